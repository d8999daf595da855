#include "kernels/rating_gradients.cuh"

#include <algorithm>

#include "kernels/chunk_sums.hpp"
#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

std::uint64_t slots_of(const RatingGradients& op) {
  return op.batch.size > kChunkRows ? chunk_slots(op.batch.size) : 0;
}

SideRatings side_of(const RatingGradients& op) {
  const MfParameters& t = op.parameters;
  const bool by_user = op.side == RatingSide::kUsers;
  SideRatings side;
  side.own = (by_user ? t.user_factors : t.item_factors).weight;
  side.other = (by_user ? t.item_factors : t.user_factors).weight;
  side.own_bias = (by_user ? t.user_bias : t.item_bias).weight.as<const float>().data;
  side.other_bias = (by_user ? t.item_bias : t.user_bias).weight.as<const float>().data;
  side.other_rows = by_user ? op.batch.items : op.batch.users;
  side.ratings = op.batch.ratings;
  side.sorted = op.sorted;
  side.loss = op.loss;
  side.by_score = op.by_score;
  side.gradient = op.gradient;
  side.bias_gradient = op.bias_gradient;
  return side;
}

template <typename Element, typename Shape>
void launch_gradients(const Context& context, const RatingGradients& op, const SideRatings& side) {
  constexpr unsigned kGroupsABlock = kRatingGradientThreads / Shape::kWidth;
  const std::uint64_t n_slots = slots_of(op);
  // Not a word about the device: the grid decides the order of the sum of errors.
  const std::uint64_t n_pieces = n_slots + std::min(op.batch.size, side.own.rows);
  const unsigned grid = grid_size(n_pieces, kGroupsABlock, kMaxErrorBlocks);
  launch_kernel<rating_gradients_kernel<Element, Shape>>(context.launch, {grid, kRatingGradientThreads}, side, n_slots,
                                                         context.block_errors);
  const unsigned sum_grid =
      n_slots == 0 ? 0 : filling_grid(context.launch, n_slots / 2, kErrorSumThreads / Shape::kWidth);
  launch_kernel<sum_rating_chunks_kernel<Shape>>(context.launch, {1 + sum_grid, kErrorSumThreads}, side, n_slots,
                                                 context.block_errors, grid, op.squared_error);
}

}  // namespace

void run(const Context& context, const RatingGradients& op, std::span<std::byte> workspace) {
  if (op.batch.size == 0) return;
  SideRatings side = side_of(op);
  check_vector_table("user_factors", op.parameters.user_factors.weight);
  check_vector_table("item_factors", op.parameters.item_factors.weight);
  check_vector_table("gradient", op.gradient);
  Workspace memory(workspace);
  side.sums = take_chunk_sums(memory, slots_of(op), side.own.cols);
  check_workspace("rating_gradients", memory, workspace.size());
  with_element(side.own.type, [&]<typename Element>() {
    dispatch_shape<Element, ShapeSet::kFew>(
        side.own.cols, [&](auto shape) { launch_gradients<Element, decltype(shape)>(context, op, side); });
  });
}

std::uint64_t workspace_bytes(const Context& /*context*/, const RatingGradients& op) {
  Workspace none;
  const std::uint32_t cols = op.parameters.user_factors.weight.cols;
  take_chunk_sums(none, slots_of(op), cols > 0 ? cols : kMaxDim);
  return none.used_bytes();
}

std::uint64_t block_errors_bytes() { return kMaxErrorBlocks * sizeof(double); }

}  // namespace unfold::cuda
