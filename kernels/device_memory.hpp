// Move-only owner of device memory.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class DeviceMemory {
 public:
  DeviceMemory() = default;
  // On the current device, not zeroed. Throws DeviceError with bytes wanted and free. Nothing for 0 bytes.
  explicit DeviceMemory(std::uint64_t bytes) : bytes_(bytes) {
    if (bytes > 0) check_allocation(cudaMalloc(&data_, bytes), "device memory", bytes, __FILE__, __LINE__);
  }
  DeviceMemory(DeviceMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceMemory() {
    if (data_ != nullptr) cudaFree(data_);
  }

  void* data() const { return data_; }
  std::uint64_t bytes() const { return bytes_; }
  // Gives the memory up: the caller frees it with cudaFree.
  void* release() { return std::exchange(data_, nullptr); }

 private:
  void* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace unfold::cuda
