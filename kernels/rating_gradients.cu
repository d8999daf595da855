#include "kernels/rating_gradients.cuh"

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {

void run(const Context& context, const RatingGradients& op, std::span<std::byte> /*workspace*/) {
  if (op.batch.size == 0) return;
  const Launch& launch = context.launch;
  const TableView& user = op.parameters.user_factors.weight;
  const TableView& item = op.parameters.item_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", item);
  check_vector_table("user_gradient", op.user_gradient);
  check_vector_table("item_gradient", op.item_gradient);
  const auto launch_gradients = [&]<typename Element, typename Shape>() {
    // Not a word about the device: the grid decides the order of the sum.
    const unsigned grid = grid_size(op.batch.size, kRatingGradientThreads / Shape::kWidth, kMaxErrorBlocks);
    launch_kernel<rating_gradients_kernel<Element, Shape>>(
        launch, {grid, kRatingGradientThreads}, op.parameters, op.batch, op.loss, op.user_gradient, op.item_gradient,
        op.user_bias_gradient, op.item_bias_gradient, context.block_errors);
    launch_kernel<sum_block_errors_kernel>(launch, {1, kErrorSumThreads}, context.block_errors, grid, op.squared_error);
  };
  with_element(user.type, [&]<typename Element>() {
    dispatch_shape<Element, ShapeSet::kFew>(
        user.cols, [&](auto shape) { launch_gradients.template operator()<Element, decltype(shape)>(); });
  });
}

std::uint64_t block_errors_bytes() { return kMaxErrorBlocks * sizeof(double); }

}  // namespace unfold::cuda
