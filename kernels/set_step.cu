#include "kernels/set_step.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const SetStep& op, std::span<std::byte> /*workspace*/) {
  launch_kernel<set_step_kernel>(context.launch, {1, kWarpSize}, op.values, op.now);
}

}  // namespace unfold::cuda
