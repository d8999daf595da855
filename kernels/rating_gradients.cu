#include "kernels/rating_gradients.cuh"

#include "kernels/device_algorithms.hpp"
#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

struct Scratch {
  double* block_errors;
  std::span<std::byte> library;
};
Scratch cut(Workspace& workspace) {
  Scratch parts = {};
  parts.block_errors = workspace.take<double>(kMaxErrorBlocks + 1);
  const std::size_t bytes = sum_values_scratch_bytes(kMaxErrorBlocks + 1);
  parts.library = {workspace.take<std::byte>(bytes), bytes};
  return parts;
}

}  // namespace

void run(const Context& context, const RatingGradients& op, std::span<std::byte> /*workspace*/) {
  if (op.batch.size == 0) return;
  const Launch& launch = context.launch;
  Workspace memory(context.gradient_scratch);
  const Scratch parts = cut(memory);
  check_workspace("rating_gradients", memory, context.gradient_scratch.size());
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
        op.user_bias_gradient, op.item_bias_gradient, op.squared_error, parts.block_errors);
    sum_values(parts.library, parts.block_errors, grid + 1ull, op.squared_error, launch.stream);
  };
  with_element(user.type, [&]<typename Element>() {
    dispatch_shape<Element>(user.cols,
                            [&](auto shape) { launch_gradients.template operator()<Element, decltype(shape)>(); });
  });
}

std::uint64_t gradient_scratch_bytes() {
  Workspace none;
  cut(none);
  return none.used_bytes();
}

}  // namespace unfold::cuda
