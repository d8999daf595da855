// What every launcher needs: where to launch, how large a grid, the launch itself, and how wide a row is.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda_check.hpp"
#include "unfold/table_view.hpp"

namespace unfold::cuda {

// The compute stream of a device. Every op launches on it and returns without waiting.
struct Launch {
  cudaStream_t stream = nullptr;
  unsigned n_processors = 0;  // multiprocessors
};

struct Grid {
  unsigned blocks = 1;
  unsigned threads = 32;         // a block, a multiple of 32
  std::size_t shared_bytes = 0;  // a block, of UNFOLD_DYNAMIC_SHARED
};

// Launches kKernel, the one place that does. A launch that could not start throws here, with the kernel's name; work
// that fails later shows at synchronize().
#if defined(__CUDACC__)
template <auto kKernel, typename... Arguments>
void launch_kernel(const Launch& launch, const Grid& grid, const Arguments&... arguments) {
  kKernel<<<grid.blocks, grid.threads, grid.shared_bytes, launch.stream>>>(arguments...);
  check(cudaGetLastError(), __PRETTY_FUNCTION__, __FILE__, __LINE__);
}
#elif defined(UNFOLD_EMULATED)  // tests/simt: the kernel runs on the CPU
template <auto kKernel, typename... Arguments>
void launch_kernel(const Launch& launch, const Grid& grid, const Arguments&... arguments) {
  const char* const launcher = __PRETTY_FUNCTION__;
  simt::enqueue_kernel(launch.stream, launcher, [=] {
    simt::run_kernel(launcher, grid.blocks, grid.threads, grid.shared_bytes, [&] { kKernel(arguments...); });
  });
}
#endif

// Blocks for `n_work` units at `per_block` a block, at most `most`; at least 1. Kernels stride over the rest.
inline unsigned grid_size(std::uint64_t n_work, std::uint64_t per_block, std::uint64_t most) {
  const std::uint64_t blocks = n_work / per_block + (n_work % per_block != 0 ? 1 : 0);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(blocks, 1, std::min<std::uint64_t>(most, 0x7FFFFFFFu)));
}

// Blocks of a kernel, of kThreads threads and no dynamic shared memory, that the device holds at once. A thread asks
// the runtime once for each device that it turns to.
template <auto kKernel, unsigned kThreads>
std::uint64_t resident_blocks(const Launch& launch) {
  thread_local int asked_device = -1, per_processor = 0;
  int device = 0;
  UNFOLD_CUDA_CHECK(cudaGetDevice(&device));
  if (device != asked_device) {
    UNFOLD_CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_processor, kKernel, kThreads, 0));
    asked_device = device;
  }
  return static_cast<std::uint64_t>(std::max(per_processor, 1)) * launch.n_processors;
}

// A grid that fills the device a few times over: enough to even out blocks of unequal work.
inline constexpr std::uint64_t kBlocksPerProcessor = 32;
inline unsigned filling_grid(const Launch& launch, std::uint64_t n_work, std::uint64_t per_block) {
  return grid_size(n_work, per_block, kBlocksPerProcessor * launch.n_processors);
}

// Throws UsageError where a table has more columns than a kernel's registers hold, or a stride or address that
// loads of 16 bytes cannot take.
inline constexpr std::uint32_t kMaxDim = 1024;
void check_vector_table(const char* what, const ConstTableView& table);
// Throws UsageError where a matrix that has data has another stride.
void check_same_stride(const char* what, const MatrixView<const float>& matrix, std::uint32_t stride);

}  // namespace unfold::cuda
