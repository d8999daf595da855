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

void rating_gradients(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch,
                      const RatingLoss& loss, MatrixView<float> user_gradient, MatrixView<float> item_gradient,
                      float* user_bias_gradient, float* item_bias_gradient, double* squared_error,
                      std::span<std::byte> scratch) {
  if (batch.size == 0) return;
  Workspace memory(scratch);
  const Scratch parts = cut(memory);
  check_workspace("rating_gradients", memory, scratch.size());
  const TableView& user = parameters.user_factors.weight;
  const TableView& item = parameters.item_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", item);
  check_vector_table("user_gradient", user_gradient);
  check_vector_table("item_gradient", item_gradient);
  const auto launch_gradients = [&]<typename Element, typename Shape>() {
    // Not a word about the device: the grid decides the order of the sum.
    const unsigned grid = grid_size(batch.size, kRatingGradientThreads / Shape::kWidth, kMaxErrorBlocks);
    launch_kernel<rating_gradients_kernel<Element, Shape>>(launch, {grid, kRatingGradientThreads}, parameters, batch,
                                                           loss, user_gradient, item_gradient, user_bias_gradient,
                                                           item_bias_gradient, squared_error, parts.block_errors);
    sum_values(parts.library, parts.block_errors, grid + 1ull, squared_error, launch.stream);
  };
  with_element(user.type, [&]<typename Element>() {
    dispatch_shape<Element>(user.cols,
                            [&](auto shape) { launch_gradients.template operator()<Element, decltype(shape)>(); });
  });
}

std::uint64_t rating_gradients_scratch_bytes() {
  Workspace none;
  cut(none);
  return none.used_bytes();
}

}  // namespace unfold::cuda
