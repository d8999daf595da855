// Move-only owner of an event that orders streams and threads. It keeps no time, and a thread that waits for it
// sleeps instead of spinning.
#pragma once

#include <utility>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class Event {
 public:
  // On the current device.
  Event() { UNFOLD_CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync)); }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event() {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }

  // An event that was never recorded counts as reached.
  void record(cudaStream_t stream) { UNFOLD_CUDA_CHECK(cudaEventRecord(event_, stream)); }
  void make_wait(cudaStream_t stream) const { UNFOLD_CUDA_CHECK(cudaStreamWaitEvent(stream, event_, 0)); }
  void synchronize() const { UNFOLD_CUDA_CHECK(cudaEventSynchronize(event_)); }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace unfold::cuda
