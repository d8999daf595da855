#include "host/device/host_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "unfold/memory_plan.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

// The number in a file that holds one. "max" and a missing file are no number.
std::optional<std::uint64_t> read_number(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

// The sum of the values of lines "key value ..." whose key is among `keys`.
std::optional<std::uint64_t> read_keys(const fs::path& file, const std::vector<std::string>& keys) {
  std::ifstream in(file);
  std::optional<std::uint64_t> sum;
  std::string key, rest;
  std::uint64_t value = 0;
  while (in >> key >> value) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) sum = sum.value_or(0) + value;
    std::getline(in, rest);
  }
  return sum;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  std::vector<std::string> cache_keys;
};

// What is left under the limits of the group at `path` below `mount` and of every group above it. A process in a
// container may see its own group as the mount itself, so groups that are not there are passed over.
std::uint64_t group_bytes(const fs::path& mount, const fs::path& path, const GroupFiles& files) {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  fs::path group = path.relative_path();
  for (;;) {
    const fs::path folder = mount / group;
    const auto limit = read_number(folder / files.limit);
    const auto usage = read_number(folder / files.usage);
    if (limit && usage) {
      // The page cache is given back before the limit stops anything.
      const std::uint64_t cache = read_keys(folder / "memory.stat", files.cache_keys).value_or(0);
      const std::uint64_t held = *usage - std::min(*usage, cache);
      least = std::min(least, *limit - std::min(*limit, held));
    }
    if (group.empty()) return least;
    group = group.parent_path();
  }
}

}  // namespace

std::uint64_t available_host_bytes(const fs::path& root) {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  if (const auto available = read_keys(root / "proc/meminfo", {"MemAvailable:"})) {
    least = *available * 1024;
  } else {
    least = static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  const GroupFiles version2{"memory.max", "memory.current", {"active_file", "inactive_file"}};
  const GroupFiles version1{
      "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_active_file", "total_inactive_file"}};
  std::ifstream groups(root / "proc/self/cgroup");
  // Lines read "id:controllers:path"; version 2 has one line with no controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const fs::path path = line.substr(second + 1);
    if (controllers == ",,") {
      least = std::min(least, group_bytes(root / "sys/fs/cgroup", path, version2));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, group_bytes(root / "sys/fs/cgroup/memory", path, version1));
    }
  }
  return least;
}

std::uint64_t available_host_bytes() { return available_host_bytes("/"); }

}  // namespace unfold
