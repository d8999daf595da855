// A ring slot on CUDA: page-locked host memory, device memory, and the two events that order reader and compute.
//
//   reader thread   wait_until_free: both events reached, so host and device memory are no longer read
//                   upload: copies on the copy stream after `released_`, then records `uploaded_`
//   compute thread  device: the compute stream waits for `uploaded_`
//                   release: records `released_` on the compute stream, behind the ops that read the slot
//
// The caller hands the slot from one thread to the other under its own lock, so an event is always recorded before
// the other thread waits for it. An event that was never recorded counts as reached, hence a slot may be waited for,
// or released, before its first upload.
#pragma once

#include <cstdint>

#include "kernels/device_memory.hpp"
#include "kernels/event.hpp"
#include "kernels/pinned_memory.hpp"
#include "unfold/backend.hpp"

namespace unfold::cuda {

class Slot final : public StreamSlot {
 public:
  // The backend, its streams and the device's context outlive the slot.
  Slot(Backend& backend, int device, cudaStream_t compute_stream, cudaStream_t copy_stream, std::uint64_t bytes);
  ~Slot() override;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  std::span<std::byte> host() override { return host_.bytes(); }
  void wait_until_free() override;
  void upload(std::uint64_t bytes) override;
  const std::byte* device() override;
  void release() override;

 private:
  int device_number_;
  cudaStream_t compute_stream_;
  cudaStream_t copy_stream_;
  PinnedMemory host_;
  DeviceArray<std::byte> memory_;
  Event uploaded_, released_;
};

}  // namespace unfold::cuda
