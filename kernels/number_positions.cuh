// order[n] = n, the values that a sort by row carries along.
// Shapes    order [n]
// Work      a thread a position
// Traffic   4 * n bytes written
// Races     none
#pragma once

#include "kernels/simt.cuh"

namespace unfold::cuda {

inline constexpr unsigned kNumberThreads = 128;

__global__ void __launch_bounds__(kNumberThreads) number_positions_kernel(std::uint32_t* order, const std::uint64_t n) {
  for (std::uint64_t k = thread_index(); k < n; k += thread_count()) order[k] = static_cast<std::uint32_t>(k);
}

}  // namespace unfold::cuda
