#include "unfold/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "host/device/host_memory.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(FormatBytes, HasThreeDigitsAndTheRightUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(640), "640 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(12 * kMiB), "12.0 MiB");
  EXPECT_EQ(format_bytes(kGiB + kGiB / 2), "1.50 GiB");
  EXPECT_EQ(format_bytes(141 * kGiB), "141 GiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16.0 EiB");
}

TEST(FormatBytes, RoundsUpIntoTheNextUnit) {
  EXPECT_EQ(format_bytes(kMiB - 1), "1.00 MiB");
  EXPECT_EQ(format_bytes(10 * kMiB - 1), "10.0 MiB");
  EXPECT_EQ(format_bytes(100 * kMiB - 1), "100 MiB");
}

MemoryPlan example() {
  MemoryPlan plan;
  plan.add_device("user.embedding [610, 64] float32", 100 * kMiB);
  plan.add_device("workspace", 20 * kMiB);
  plan.add_host("slots", 3 * kMiB);
  plan.host_free = kGiB;
  return plan;
}

TEST(MemoryPlan, CountsEverythingAsHostMemoryWithoutADevice) {
  const MemoryPlan plan = example();
  EXPECT_EQ(plan.device_bytes(), 0u);
  EXPECT_EQ(plan.host_bytes(), 123 * kMiB);
}

TEST(MemoryPlan, KeepsDeviceAndHostApart) {
  MemoryPlan plan = example();
  plan.device_free = kGiB;
  EXPECT_EQ(plan.device_bytes(), 120 * kMiB);
  EXPECT_EQ(plan.host_bytes(), 3 * kMiB);
  plan.check();
}

TEST(MemoryPlan, SaysBothNumbersWhenItDoesNotFit) {
  MemoryPlan plan = example();
  plan.host_free = 123 * kMiB;
  plan.check();
  plan.host_free -= 1;
  try {
    plan.check();
    FAIL() << "it fits in one byte too few";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("128974848 bytes) needed"));
    EXPECT_THAT(error.what(), HasSubstr("128974847 bytes) free"));
    EXPECT_THAT(error.what(), HasSubstr("host memory"));
  }
  plan.host_free = kGiB;
  plan.device_free = 119 * kMiB;
  try {
    plan.check();
    FAIL() << "the device holds less than the tables";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("device memory"));
  }
}

TEST(MemoryPlan, PrintsALineAnEntryAndTheTotals) {
  MemoryPlan plan = example();
  EXPECT_EQ(plan.to_string(),
            "  user.embedding [610, 64] float32    100 MiB\n"
            "  workspace                          20.0 MiB\n"
            "  slots                              3.00 MiB\n"
            "  total                               123 MiB  of 1.00 GiB free\n");
  plan.device_free = 2 * kGiB;
  EXPECT_EQ(plan.to_string(),
            "  user.embedding [610, 64] float32    100 MiB  device\n"
            "  workspace                          20.0 MiB  device\n"
            "  slots                              3.00 MiB  host\n"
            "  device total                        120 MiB  of 2.00 GiB free\n"
            "  host total                         3.00 MiB  of 1.00 GiB free\n");
}

TEST(MemoryPlan, ShowsMappedFilesWithoutCountingThem) {
  MemoryPlan plan = example();
  plan.add_mapped("training data", 5 * kGiB);
  plan.check();
  EXPECT_EQ(plan.host_bytes(), 123 * kMiB);
  EXPECT_THAT(plan.to_string(), HasSubstr("training data                      5.00 GiB  mapped\n"));
}

// A /proc and /sys of the test's own.
class AvailableHostBytes : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_.path() / name).parent_path());
    test::write_file(root_.path() / name, text);
  }
  std::uint64_t available() const { return available_host_bytes(root_.path()); }
  test::TempDirectory root_;
};

TEST_F(AvailableHostBytes, IsMemAvailableWithoutLimits) {
  put("proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n");
  EXPECT_EQ(available(), 8 * kMiB);
  put("proc/self/cgroup", "0::/user.slice\n");
  put("sys/fs/cgroup/user.slice/memory.max", "max\n");
  put("sys/fs/cgroup/user.slice/memory.current", "4096\n");
  EXPECT_EQ(available(), 8 * kMiB);
}

TEST_F(AvailableHostBytes, TakesTheTightestGroupAboveTheProcess) {
  put("proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("proc/self/cgroup", "0::/outer/inner\n");
  put("sys/fs/cgroup/outer/inner/memory.max", "104857600\n");
  put("sys/fs/cgroup/outer/inner/memory.current", "10485760\n");
  EXPECT_EQ(available(), 90 * kMiB);
  put("sys/fs/cgroup/outer/memory.max", "52428800\n");
  put("sys/fs/cgroup/outer/memory.current", "41943040\n");
  EXPECT_EQ(available(), 10 * kMiB);
  put("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 10485760\nactive_file 5242880\nslab 7\n");
  EXPECT_EQ(available(), 25 * kMiB) << "the page cache is free";
  put("sys/fs/cgroup/outer/memory.current", "152428800\n");
  EXPECT_EQ(available(), 0u) << "over the limit";
}

TEST_F(AvailableHostBytes, SeesAContainersOwnGroupAtTheMount) {
  put("proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("proc/self/cgroup", "0::/../../not/visible\n");
  put("sys/fs/cgroup/memory.max", "104857600\n");
  put("sys/fs/cgroup/memory.current", "0\n");
  EXPECT_EQ(available(), 100 * kMiB);
}

TEST_F(AvailableHostBytes, ReadsTheMemoryControllerOfVersionOne) {
  put("proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("proc/self/cgroup", "11:cpu,cpuacct:/a\n10:hugetlb,memory:/docker/x\n");
  put("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "104857600\n");
  put("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes", "62914560\n");
  put("sys/fs/cgroup/memory/docker/x/memory.stat", "inactive_file 1\ntotal_inactive_file 20971520\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "62914560\n");
  EXPECT_EQ(available(), 60 * kMiB);
}

TEST(AvailableHostBytesHere, IsPlausible) {
  EXPECT_GT(available_host_bytes(), kMiB);
  EXPECT_LT(available_host_bytes(), std::uint64_t{1} << 50);
}

}  // namespace
}  // namespace unfold
