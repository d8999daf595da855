#include "host/ops/aligned_memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace unfold::cpu {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
constexpr std::align_val_t kCacheLine{64};

}  // namespace

void* allocate_zeroed(std::uint64_t bytes) noexcept {
  if (bytes < kHugePage) {
    void* pointer = ::operator new(bytes, kCacheLine, std::nothrow);
    if (pointer != nullptr) std::memset(pointer, 0, bytes);
    return pointer;
  }
  // A multiple of the huge page that starts on one; aligned_alloc takes it from mmap.
  const std::uint64_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  if (rounded < bytes) return nullptr;
  void* pointer = std::aligned_alloc(kHugePage, rounded);
  if (pointer == nullptr) return nullptr;
  madvise(pointer, rounded, MADV_HUGEPAGE);
  std::memset(pointer, 0, rounded);
  return pointer;
}

void release(void* pointer, std::uint64_t bytes) noexcept {
  if (bytes < kHugePage) {
    ::operator delete(pointer, kCacheLine);
  } else {
    std::free(pointer);
  }
}

}  // namespace unfold::cpu
