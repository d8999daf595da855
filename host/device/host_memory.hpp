// How much memory the process can still take, from the files that Linux tells it in.
#pragma once

#include <cstdint>
#include <filesystem>

namespace unfold {

// The least of MemAvailable and what is left under every limit of the process's control groups (version 2, or the
// memory controller of version 1), page cache counted as free. `root` stands for "/": /proc and /sys are looked for
// below it.
std::uint64_t available_host_bytes(const std::filesystem::path& root);

}  // namespace unfold
