// Move-only owner of a stream that does not wait for the default stream.
//
// Priorities: copies go before kernels, so that the next batch's upload is never queued behind the work on this one.
#pragma once

#include <utility>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class Stream {
 public:
  enum class Priority { kLow, kHigh };

  // On the current device.
  explicit Stream(Priority priority) {
    int lowest = 0, highest = 0;
    UNFOLD_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
    UNFOLD_CUDA_CHECK(
        cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, priority == Priority::kHigh ? highest : lowest));
  }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream() {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }

  cudaStream_t get() const { return stream_; }
  void synchronize() const { UNFOLD_CUDA_CHECK(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace unfold::cuda
