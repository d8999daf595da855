#include "host/io/map_registry.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace unfold {
namespace {

struct Slot {
  std::atomic<bool> is_taken{false};
  std::atomic<std::uintptr_t> begin{0}, end{0};
  std::array<char, 1024> name{};
};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

// Made before the program starts, as a signal may come at any time.
constinit std::array<Slot, 64> slots{};

}  // namespace

void register_map(const void* begin, std::size_t bytes, std::string_view name) noexcept {
  for (Slot& slot : slots) {
    if (slot.is_taken.exchange(true)) continue;
    const std::size_t length = name.copy(slot.name.data(), slot.name.size() - 1);
    slot.name[length] = '\0';
    slot.end = reinterpret_cast<std::uintptr_t>(begin) + bytes;
    slot.begin = reinterpret_cast<std::uintptr_t>(begin);
    return;
  }
}

void forget_map(const void* begin) noexcept {
  for (Slot& slot : slots) {
    if (slot.begin != reinterpret_cast<std::uintptr_t>(begin)) continue;
    slot.begin = slot.end = 0;
    slot.is_taken = false;
    return;
  }
}

const char* find_mapped_file(const void* address) noexcept {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  for (const Slot& slot : slots) {
    if (slot.begin != 0 && wanted >= slot.begin && wanted < slot.end) return slot.name.data();
  }
  return nullptr;
}

}  // namespace unfold
