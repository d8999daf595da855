// How many threads the process may run at a time: what its affinity mask and its CPU quota leave of the machine.
#pragma once

#include <filesystem>

namespace unfold {

// Processors that the control group of the process and those around it grant, the least of them: 1.5 where 150 ms may
// be used in 100. Infinity without a quota, or where none can be read. Version 2 (cpu.max) and version 1
// (cpu.cfs_quota_us, cpu.cfs_period_us). `proc` and `sys` stand for /proc and /sys.
double cpu_quota(const std::filesystem::path& proc = "/proc", const std::filesystem::path& sys = "/sys");

// Of the processors in the calling thread's affinity mask as many as the quota fills or begins, at least 1.
unsigned usable_processors(const std::filesystem::path& proc = "/proc", const std::filesystem::path& sys = "/sys");

}  // namespace unfold
