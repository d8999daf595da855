// The variables of a step, written to memory: they travel as an argument of the launch, so that no copy has to wait for
// the host's memory.
// Shapes    now [1]
// Work      one thread
// Traffic   sizeof(StepVariables) written
// Races     none
#pragma once

#include "kernels/simt.cuh"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

__global__ void __launch_bounds__(kWarpSize) set_step_kernel(const StepVariables values, StepVariables* now) {
  if (threadIdx.x == 0) *now = values;
}

}  // namespace unfold::cuda
