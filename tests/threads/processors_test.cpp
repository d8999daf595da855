// What a CPU quota and the affinity mask leave of the machine.
#include "host/threads/processors.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "tests/support/test_support.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;

// A made-up /proc and /sys.
class CpuQuota : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    write_file(root_ / path, text);
  }
  void mount_version_2(const std::string& mounted_group = "/") {
    write("proc/self/mountinfo", "22 1 0:20 / /sys rw - sysfs sysfs rw\n29 22 0:26 " + mounted_group +
                                     " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  double quota() { return cpu_quota(root_ / "proc", root_ / "sys"); }
  unsigned processors() { return usable_processors(root_ / "proc", root_ / "sys"); }

  TempDirectory root_;
};

// The affinity mask of this thread, put back at the end.
class Affinity {
 public:
  Affinity() { sched_getaffinity(0, sizeof before_, &before_); }
  ~Affinity() { sched_setaffinity(0, sizeof before_, &before_); }
  unsigned n() const { return static_cast<unsigned>(CPU_COUNT(&before_)); }
  void keep_one() {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &before_)) CPU_SET(cpu, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  }

 private:
  cpu_set_t before_;
};

TEST_F(CpuQuota, IsInfiniteWhereThereIsNone) {
  EXPECT_EQ(quota(), INFINITY) << "no files at all";
  mount_version_2();
  write("proc/self/cgroup", "0::/user\n");
  EXPECT_EQ(quota(), INFINITY) << "no cpu.max";
  write("sys/fs/cgroup/user/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), INFINITY);
  EXPECT_EQ(processors(), Affinity().n());
}

TEST_F(CpuQuota, OfVersion2IsTheLeastOfNestedGroups) {
  mount_version_2();
  write("proc/self/cgroup", "0::/a/b/c\n");
  write("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 4);
  write("sys/fs/cgroup/a/cpu.max", "75000 50000\n");
  EXPECT_EQ(quota(), 1.5);
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 1.5);
  write("sys/fs/cgroup/other/cpu.max", "1000 100000\n");
  EXPECT_EQ(quota(), 1.5) << "another's";
}

TEST_F(CpuQuota, OfVersion1IsTheLeastOfNestedGroups) {
  write("proc/self/mountinfo",
        "31 22 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "33 22 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n");
  write("proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/a/b\n1:name=systemd:/x\n0::/y\n");
  write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), INFINITY);
  write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
  write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(quota(), 0.5);
}

// A container sees the group that it is in as the top, by whatever name the host knows it.
TEST_F(CpuQuota, OfAContainerStandsAtTheTop) {
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  for (const auto& [mounted, own] : {std::pair{"/", "/"},
                                     {"/docker/12ab", "/docker/12ab"},
                                     {"/", "/../../host"},
                                     {"/docker/12ab", "/docker/other"}}) {
    mount_version_2(mounted);
    write("proc/self/cgroup", std::string("0::") + own + "\n");
    EXPECT_EQ(quota(), 1.5) << mounted << ' ' << own;
  }
  mount_version_2("/docker/12ab");
  write("proc/self/cgroup", "0::/docker/12ab/inner\n");
  write("sys/fs/cgroup/inner/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, IsFoundAtTheUsualPlaceWithoutAListOfMounts) {
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, ThatNobodyCanReadIsNone) {
  mount_version_2();
  write("proc/self/cgroup", "0::/a\nnonsense\n:\n");
  for (const char* text : {"", "abc", "100000", "100000 0", "0 100000", "-5 100000", "1e999 100000"}) {
    write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(quota(), INFINITY) << text;
  }
  write("proc/self/mountinfo", "\n - \n29 22 0:26 / /sys/fs/cgroup rw -\n");
  EXPECT_EQ(quota(), INFINITY);
}

TEST_F(CpuQuota, ThatIsBegunCountsAsAProcessor) {
  mount_version_2();
  write("proc/self/cgroup", "0::/\n");
  const unsigned n = Affinity().n();
  for (const auto& [quota, processors] : {std::pair{1000, 1u},
                                          {100000, 1u},
                                          {100001, 2u},
                                          {150000, 2u},
                                          {200000, 2u},
                                          {210000, 3u},
                                          {100000000, 1000u}}) {
    write("sys/fs/cgroup/cpu.max", std::to_string(quota) + " 100000\n");
    EXPECT_EQ(this->processors(), std::min(processors, n)) << quota;
  }
}

TEST_F(CpuQuota, LeavesNoMoreThanTheAffinityMask) {
  Affinity affinity;
  affinity.keep_one();
  EXPECT_EQ(processors(), 1u);
  EXPECT_EQ(usable_processors(), 1u);
}

}  // namespace
}  // namespace unfold::test
