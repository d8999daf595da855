// Move-only owner of an event that orders streams and threads, and keeps time where asked. A thread that waits for it
// looks for a short while, then sleeps instead of spinning.
#pragma once

#include <utility>

#include "host/device/look_briefly.hpp"
#include "kernels/cuda_check.hpp"

namespace unfold::cuda {

class Event {
 public:
  enum class Timing { kOff, kOn };

  // On the current device.
  explicit Event(Timing timing = Timing::kOff) {
    const unsigned flags = timing == Timing::kOn ? 0u : static_cast<unsigned>(cudaEventDisableTiming);
    UNFOLD_CUDA_CHECK(cudaEventCreateWithFlags(&event_, flags | cudaEventBlockingSync));
  }
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
  void synchronize() const {
    if (!look_briefly([this] { return is_reached(); })) UNFOLD_CUDA_CHECK(cudaEventSynchronize(event_));
  }
  // From `start` to this one. Both keep time, and were recorded and reached.
  double seconds_since(const Event& start) const {
    float milliseconds = 0;
    UNFOLD_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return static_cast<double>(milliseconds) / 1000;
  }

 private:
  bool is_reached() const {
    const cudaError_t state = cudaEventQuery(event_);
    if (state == cudaSuccess) return true;
    if (state != cudaErrorNotReady) UNFOLD_CUDA_CHECK(state);
    cudaGetLastError();  // what is not ready is no failure
    return false;
  }

  cudaEvent_t event_ = nullptr;
};

}  // namespace unfold::cuda
