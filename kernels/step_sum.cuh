// What a step's batch adds to its loss, in a fixed order.
#pragma once

#include "kernels/simt.cuh"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

// sum += values[0] + ... + values[n - 1]. Called by one block.
template <typename T>
__device__ inline void add_to_step_sum(const T* values, std::uint64_t n, const StepSum& sum) {
  double total = 0;
  for (std::uint64_t k = threadIdx.x; k < n; k += blockDim.x) total += values[k];
  total = block_sum(total);
  if (threadIdx.x == 0) *sum.place() += total;
}

}  // namespace unfold::cuda
