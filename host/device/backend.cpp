// What all backends have in common: the count of their memory.
#include "unfold/backend.hpp"

namespace unfold {

void* Backend::allocate(std::uint64_t bytes) {
  if (bytes == 0) return nullptr;
  void* const pointer = take_memory(bytes);
  const std::uint64_t now = allocated_bytes_ += bytes;
  std::uint64_t peak = peak_bytes_;
  while (now > peak && !peak_bytes_.compare_exchange_weak(peak, now)) {
  }
  return pointer;
}

void Backend::deallocate(void* pointer, std::uint64_t bytes) noexcept {
  if (pointer == nullptr) return;
  give_back_memory(pointer, bytes);
  allocated_bytes_ -= bytes;
}

}  // namespace unfold
