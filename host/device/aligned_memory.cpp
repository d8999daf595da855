#include "host/device/aligned_memory.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace unfold::cpu {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
constexpr std::align_val_t kCacheLine{64};

std::uint64_t whole_huge_pages(std::uint64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

// Zero pages from the kernel that start on a huge page. They are taken at the first write, not now.
void* map_zeroed(std::uint64_t bytes) noexcept {
  const std::uint64_t size = whole_huge_pages(bytes);
  if (size < bytes || size + kHugePage < size) return nullptr;
  void* mapped = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<char*>(mapped);
  const std::uint64_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + size, kHugePage - before);
  madvise(begin + before, size, MADV_HUGEPAGE);
  return begin + before;
}

}  // namespace

void* allocate_zeroed(std::uint64_t bytes) noexcept {
  if (bytes >= kHugePage) return map_zeroed(bytes);
  void* pointer = ::operator new(bytes, kCacheLine, std::nothrow);
  if (pointer != nullptr) std::memset(pointer, 0, bytes);
  return pointer;
}

void release(void* pointer, std::uint64_t bytes) noexcept {
  if (bytes >= kHugePage) {
    munmap(pointer, whole_huge_pages(bytes));
  } else {
    ::operator delete(pointer, kCacheLine);
  }
}

}  // namespace unfold::cpu
