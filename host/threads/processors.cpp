#include "host/threads/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace unfold {
namespace {

namespace fs = std::filesystem;

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// Where groups that can have a quota are found: a mounted hierarchy.
struct Hierarchy {
  bool is_version_2 = false;
  fs::path root;         // the group that is mounted, in the hierarchy
  fs::path mount_point;  // as the process sees it
};

std::vector<std::string> words(const std::string& line, char separator) {
  std::vector<std::string> result;
  std::istringstream stream(line);
  for (std::string word; std::getline(stream, word, separator);) result.push_back(word);
  return result;
}

bool names_cpu(const std::string& options) {
  const std::vector<std::string> names = words(options, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// Where they are mounted by custom.
std::vector<Hierarchy> usual_hierarchies() {
  return {{true, "/", "/sys/fs/cgroup"},
          {true, "/", "/sys/fs/cgroup/unified"},
          {false, "/", "/sys/fs/cgroup/cpu"},
          {false, "/", "/sys/fs/cgroup/cpu,cpuacct"}};
}

// proc(5): "36 35 98:0 /root /mount/point rw,noatime shared:1 - cgroup cgroup rw,cpu,cpuacct".
std::vector<Hierarchy> mounted_hierarchies(const fs::path& proc) {
  std::vector<Hierarchy> result;
  std::ifstream file(proc / "self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = words(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const bool is_version_2 = dash[1] == "cgroup2";
    if (is_version_2 || (dash[1] == "cgroup" && names_cpu(dash[3]))) {
      result.push_back({is_version_2, fields[3], fields[4]});
    }
  }
  return result.empty() ? usual_hierarchies() : result;
}

// cgroups(7): "4:cpu,cpuacct:/group", version 2 "0::/group".
std::optional<fs::path> group_of_process(const fs::path& proc, bool is_version_2) {
  std::ifstream file(proc / "self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_version_2 ? controllers.empty() : names_cpu(controllers)) return line.substr(second + 1);
  }
  return std::nullopt;
}

// In microseconds, from a file that is not there or says "max" or less than 1: none.
std::optional<double> read_time(std::istream& file) {
  double time = 0;
  if (file >> time && time > 0) return time;
  return std::nullopt;
}

double quota_of_group(const fs::path& group, bool is_version_2) {
  std::optional<double> quota, period;
  if (is_version_2) {
    std::ifstream file(group / "cpu.max");
    quota = read_time(file);
    period = read_time(file);
  } else {
    std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
    quota = read_time(quota_file);
    period = read_time(period_file);
  }
  return quota && period ? *quota / *period : kNoQuota;
}

// `path` with `sys` in the place of its leading /sys.
fs::path below_sys(const fs::path& path, const fs::path& sys) {
  const fs::path relative = path.lexically_relative("/sys");
  return relative.empty() || *relative.begin() == ".." ? path : sys / relative;
}

}  // namespace

double cpu_quota(const fs::path& proc, const fs::path& sys) {
  double least = kNoQuota;
  for (const Hierarchy& hierarchy : mounted_hierarchies(proc)) {
    const std::optional<fs::path> group = group_of_process(proc, hierarchy.is_version_2);
    if (!group) continue;
    const fs::path top = below_sys(hierarchy.mount_point, sys);
    least = std::min(least, quota_of_group(top, hierarchy.is_version_2));
    // A group outside what is mounted is one of the host, of which a container sees its own alone, as the top.
    const fs::path below = group->lexically_relative(hierarchy.root);
    if (below.empty() || *below.begin() == "..") continue;
    fs::path at = top;
    for (const fs::path& name : below) least = std::min(least, quota_of_group(at /= name, hierarchy.is_version_2));
  }
  return least;
}

unsigned usable_processors(const fs::path& proc, const fs::path& sys) {
  unsigned n = std::max(1u, std::thread::hardware_concurrency());
  // The kernel's set may be larger than one cpu_set_t.
  for (std::size_t n_sets = 1; n_sets <= 64; n_sets *= 2) {
    std::vector<cpu_set_t> mask(n_sets);
    if (sched_getaffinity(0, n_sets * sizeof(cpu_set_t), mask.data()) != 0) continue;
    n = static_cast<unsigned>(CPU_COUNT_S(n_sets * sizeof(cpu_set_t), mask.data()));
    break;
  }
  return static_cast<unsigned>(std::clamp(std::ceil(cpu_quota(proc, sys)), 1.0, std::max(1.0, static_cast<double>(n))));
}

}  // namespace unfold
