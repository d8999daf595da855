// The gradients of rating_step.cuh, written instead of applied, and the sum of squared errors in a fixed order:
// each block sums the ratings of its own, always the same ones, and a second kernel adds up the blocks.
// Shapes    tables as in rating_step.cuh; user_gradient, item_gradient [size, dim] with the tables' stride;
//           bias gradients [size]; block_errors [gridDim.x]
// Work      a group of 8 to 32 lanes a rating, as in rating_step.cuh
// Traffic   a rating reads 2 * (element bytes * dim + 4) + 12 bytes and writes 2 * 4 * (dim + 1)
// Races     none; equal bits from run to run, since the grid depends on the batch's size and dim alone
// Requires  every row in range; factor tables of one type, rows of tables and gradients aligned to 16 bytes
// Source    Koren, Bell and Volinsky, IEEE Computer 2009, eq. 5
#pragma once

#include "kernels/rating_score.cuh"
#include "kernels/step_sum.cuh"

namespace unfold::cuda {

inline constexpr unsigned kRatingGradientThreads = 128;
// Blocks at most: twice what an H200 holds at once.
inline constexpr unsigned kMaxErrorBlocks = 4096;
inline constexpr unsigned kErrorSumThreads = 1024;

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kRatingGradientThreads)
    rating_gradients_kernel(const MfParameters parameters, const RatingBatch batch, const RatingLoss loss,
                            const MatrixView<float> user_gradient, const MatrixView<float> item_gradient,
                            float* user_bias_gradient, float* item_bias_gradient, double* block_errors) {
  const std::uint64_t group = group_index<Shape::kWidth>();
  const std::uint64_t n_groups = group_count<Shape::kWidth>();
  const bool leads = group_lane<Shape::kWidth>() == 0;
  const unsigned row_packs = pack_count<Shape>(parameters.user_factors.weight.cols);
  double error_sum = 0;
  for (std::uint64_t base = 0; base < batch.size; base += n_groups) {
    const std::uint64_t n = base + group;
    const RatingAt at = fetch_rating(batch, n, true);
    const unsigned n_packs = at.active ? row_packs : 0;
    const RatingRows<Shape> rows =
        load_rating_rows<Element, Shape, LoadKind::kAnyCache>(parameters, at, n_packs, loss.use_bias);
    const RatingGradient gradient = rating_gradient(rating_score(rows, loss), at.rating, loss);
    store_row(user_gradient.row(n), combine(gradient.by_score, rows.item, loss.l2, rows.user), n_packs);
    store_row(item_gradient.row(n), combine(gradient.by_score, rows.user, loss.l2, rows.item), n_packs);
    if (at.active && leads) {
      error_sum += static_cast<double>(gradient.error) * gradient.error;
      user_bias_gradient[n] = loss.use_bias ? gradient.by_score + loss.l2_bias * rows.user_bias : 0;
      item_bias_gradient[n] = loss.use_bias ? gradient.by_score + loss.l2_bias * rows.item_bias : 0;
    }
  }
  const double block_error = block_sum(error_sum);
  if (threadIdx.x == 0) block_errors[blockIdx.x] = block_error;
}

// sum += block_errors[0] + ... + block_errors[n - 1], by one block.
__global__ void __launch_bounds__(kErrorSumThreads)
    sum_block_errors_kernel(const double* block_errors, const unsigned n, const StepSum sum) {
  add_to_step_sum(block_errors, n, sum);
}

}  // namespace unfold::cuda
