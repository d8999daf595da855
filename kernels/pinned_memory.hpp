// Move-only owner of page-locked host memory, which the copy engines read while the host goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class PinnedMemory {
 public:
  PinnedMemory() = default;
  // Throws DeviceError. Nothing for 0 bytes.
  explicit PinnedMemory(std::uint64_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    check_allocation(cudaHostAlloc(&data_, bytes, cudaHostAllocPortable), "page-locked host memory", bytes, __FILE__,
                     __LINE__);
  }
  PinnedMemory(PinnedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PinnedMemory() {
    if (data_ != nullptr) cudaFreeHost(data_);
  }

  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), bytes_}; }

 private:
  void* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace unfold::cuda
