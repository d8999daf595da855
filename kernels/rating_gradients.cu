#include "kernels/ops.hpp"
#include "kernels/rating_gradients.cuh"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {

void rating_gradients(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch,
                      const RatingLoss& loss, MatrixView<float> user_gradient, MatrixView<float> item_gradient,
                      float* user_bias_gradient, float* item_bias_gradient, double* squared_error,
                      double* block_errors) {
  if (batch.size == 0) return;
  const MatrixView<float>& user = parameters.user_factors.weight;
  const MatrixView<float>& item = parameters.item_factors.weight;
  check_vector_table("user_factors", user.data, user.cols, user.stride);
  check_vector_table("item_factors", item.data, item.cols, item.stride);
  check_vector_table("user_gradient", user_gradient.data, user_gradient.cols, user_gradient.stride);
  check_vector_table("item_gradient", item_gradient.data, item_gradient.cols, item_gradient.stride);
  dispatch_shape(user.cols, [&](auto shape) {
    using Shape = decltype(shape);
    // Not a word about the device: the grid decides the order of the sum.
    const unsigned grid = grid_size(batch.size, kRatingGradientThreads / Shape::kWidth, kMaxErrorBlocks);
    rating_gradients_kernel<Shape><<<grid, kRatingGradientThreads, 0, launch.stream>>>(
        parameters, batch, loss, user_gradient, item_gradient, user_bias_gradient, item_bias_gradient, block_errors);
    UNFOLD_CUDA_CHECK_LAUNCH();
    add_sum_kernel<<<1, kSumThreads, 0, launch.stream>>>(block_errors, grid, squared_error);
    UNFOLD_CUDA_CHECK_LAUNCH();
  });
}

std::uint64_t rating_gradients_scratch_size() { return kMaxErrorBlocks; }

}  // namespace unfold::cuda
