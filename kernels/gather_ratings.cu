#include "kernels/gather_ratings.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const GatherRatings& op, std::span<std::byte> /*workspace*/) {
  if (op.n_ratings == 0) return;
  const Grid grid{filling_grid(context.launch, op.n_ratings, kGatherTile), kGatherThreads};
  launch_kernel<gather_ratings_kernel>(context.launch, grid, op.all, op.block_order, op.block_size, op.first,
                                       op.n_ratings, op.out);
}

}  // namespace unfold::cuda
