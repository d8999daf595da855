#include "kernels/cuda_slot.hpp"

#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold::cuda {

Slot::Slot(Backend& backend, int device, cudaStream_t compute_stream, cudaStream_t copy_stream, std::uint64_t bytes)
    : device_number_(device),
      compute_stream_(compute_stream),
      copy_stream_(copy_stream),
      host_(bytes),
      memory_(backend, bytes) {}

Slot::~Slot() {
  // Memory goes back only when nothing reads it any more. A failure here was or will be reported by a check.
  cudaSetDevice(device_number_);
  cudaStreamSynchronize(copy_stream_);
  cudaStreamSynchronize(compute_stream_);
}

void Slot::wait_until_free() {
  UNFOLD_CUDA_CHECK(cudaSetDevice(device_number_));
  uploaded_.synchronize();
  released_.synchronize();
}

void Slot::upload(std::uint64_t bytes) {
  if (bytes > memory_.bytes()) {
    throw DeviceError(fmt::format("a slot of {} bytes cannot upload {} bytes", memory_.bytes(), bytes));
  }
  UNFOLD_CUDA_CHECK(cudaSetDevice(device_number_));
  released_.make_wait(copy_stream_);
  if (bytes > 0) {
    UNFOLD_CUDA_CHECK(
        cudaMemcpyAsync(memory_.data(), host_.bytes().data(), bytes, cudaMemcpyHostToDevice, copy_stream_));
  }
  uploaded_.record(copy_stream_);
}

const std::byte* Slot::device() {
  UNFOLD_CUDA_CHECK(cudaSetDevice(device_number_));
  uploaded_.make_wait(compute_stream_);
  return memory_.data();
}

void Slot::release() {
  UNFOLD_CUDA_CHECK(cudaSetDevice(device_number_));
  released_.record(compute_stream_);
}

}  // namespace unfold::cuda
