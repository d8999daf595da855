#include "kernels/draw_negatives.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const DrawNegatives& op, std::span<std::byte> /*workspace*/) {
  if (op.n_queries == 0 || op.n_negatives == 0) return;
  const unsigned grid = filling_grid(context.launch, op.n_queries * op.n_negatives, kNegativeThreads);
  launch_kernel<draw_negatives_kernel>(context.launch, {grid, kNegativeThreads}, op.sampler, op.key, op.queries,
                                       op.n_queries, op.n_negatives, op.known, op.negatives, op.log_q, op.n_rejected);
}

}  // namespace unfold::cuda
