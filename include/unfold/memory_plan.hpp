// Memory is planned, then allocated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unfold {

struct MemoryPlan {
  struct Entry {
    std::string name;  // "user.embedding [610, 64] float32"
    std::uint64_t bytes;
    bool on_device;          // of the backend's memory, which is the host's on the CPU; false: host memory beside that
    bool is_mapped = false;  // a mapped file: the kernel holds what fits, so it is shown but not counted
  };
  std::vector<Entry> entries;
  std::uint64_t device_free = 0;  // 0: the backend is the CPU
  std::uint64_t host_free = 0;
  // What to change where it does not fit, the end of check's message.
  std::string remedy = "a smaller dim or batch size, or an optimizer with less state, needs less";

  // Adds to the entry of that name, or a new one; nothing where there are no bytes.
  void add_host(std::string_view name, std::uint64_t bytes);
  void add_device(std::string_view name, std::uint64_t bytes);
  void add_mapped(std::string_view name, std::uint64_t bytes);
  // What a run takes of the backend's memory at its peak, whichever backend that is.
  std::uint64_t backend_bytes() const;
  std::uint64_t device_bytes() const;
  std::uint64_t host_bytes() const;
  // A table for people: a line an entry, totals, what is free.
  std::string to_string() const;
  // Throws DeviceError with bytes needed and bytes free where it does not fit.
  void check() const;
};

// "1.50 GiB", "12.0 MiB", "640 B".
std::string format_bytes(std::uint64_t bytes);

// Memory the process can still take: MemAvailable and the cgroup limit, whichever is less.
std::uint64_t available_host_bytes();

}  // namespace unfold
