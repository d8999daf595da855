// A zeroed array that may be larger than memory. For a backend over host memory it is address space, of which only the
// pages that are touched exist; for a device it is the device's memory.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <optional>

#include "unfold/backend.hpp"

namespace unfold::test {

template <typename T>
class SparseArray {
 public:
  // data() is null where there is neither so much address space nor memory.
  SparseArray(Backend& backend, bool in_host_memory, std::uint64_t size) : bytes_(size * sizeof(T)) {
    if (in_host_memory) {
      void* const pages =
          mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (pages != MAP_FAILED) data_ = static_cast<T*>(pages);
    } else if (backend.free_bytes() > bytes_ + (std::uint64_t{1} << 30)) {
      device_.emplace(backend, size);
      data_ = device_->data();
    }
  }
  ~SparseArray() {
    if (data_ != nullptr && !device_) munmap(data_, bytes_);
  }
  SparseArray(const SparseArray&) = delete;
  SparseArray& operator=(const SparseArray&) = delete;

  T* data() const { return data_; }

 private:
  std::uint64_t bytes_;
  T* data_ = nullptr;
  std::optional<DeviceArray<T>> device_;
};

}  // namespace unfold::test
