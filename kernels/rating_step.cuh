// The fast update of biased matrix factorization: for each rating the score, its gradient (rating_loss.hpp), and the
// optimizer (optimizer.hpp) on two factor rows and two biases, in place. Both rows' gradients are taken before
// either is written.
// Shapes    user_factors [n_users, dim], item_factors [n_items, dim], biases [n_users] and [n_items], batch [size]
// Work      a group of 4 to 32 lanes a rating, chosen so that each lane holds 4 to 32 columns of a row; up to 8
//           ratings a warp. Row numbers of the next rating are fetched while this one's rows are on their way
// Traffic   a rating reads 12 bytes and reads and writes 2 * (element bytes * dim + 4), with state 2 * 4 * (dim + 1)
// Rounding  rows of 16 bits: place 2 * rating for the user, + 1 for the item (rounding_bits in optimizer.hpp)
// Races     ratings in flight that share a row may lose updates (Hogwild); kRowsPerRatingInFlight bounds how many
//           are in flight. rating_gradients.cuh with update_rows.cuh is the exact one
// Requires  every row in range; factor tables of one type, their rows aligned to 16 bytes
// Source    Koren, Bell and Volinsky, IEEE Computer 2009, eq. 4 and 5; Niu, Recht, Re and Wright, NIPS 2011
#pragma once

#include "kernels/rating_score.cuh"
#include "kernels/row_optimizer.cuh"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

inline constexpr unsigned kRatingStepThreads = 128;

// Ratings in flight are at most one for this many rows of the smaller table. Two ratings in flight that share a
// row keep one of their two updates, and a GPU could have tens of thousands in flight: with 1,000 rows nearly every
// update would be lost. With C in flight, a rating meets another on a row that draws a share s of all ratings
// (C - 1) * s times on average: at one for 8 rows, 1/8 for a row of average popularity, so one update in eight or
// fewer is lost there. A row 20 times as popular loses most of its updates, and still gets more than an average
// row does. A table of 130,000 rows or more fills an H200 at dim 128 in spite of the bound.
inline constexpr std::uint64_t kRowsPerRatingInFlight = 8;

// n_groups: ratings in flight; groups past it do nothing. Adds to the squared error once a block.
template <OptimizerKind kKind, typename Element, typename Shape>
__global__ void __launch_bounds__(kRatingStepThreads)
    rating_step_kernel(const MfParameters parameters, const RatingBatch batch, const RatingLoss loss,
                       const OptimizerStep any_step, const std::uint64_t n_groups, const StepSum squared_error) {
  const OptimizerStep step = at_step(any_step);
  constexpr LoadKind kLoad = LoadKind::kSharedCache;
  // With 32 columns a lane the state waits until the score is known, else registers run out.
  constexpr bool kEarlyState = Shape::kFloats <= 16;
  const std::uint64_t group = group_index<Shape::kWidth>();
  const bool takes_part = group < n_groups;
  const bool leads = group_lane<Shape::kWidth>() == 0;
  const unsigned row_packs = pack_count<Shape>(parameters.user_factors.weight.cols);
  double error_sum = 0;

  RatingAt next = fetch_rating(batch, group, takes_part);
  for (std::uint64_t base = 0; base < batch.size; base += n_groups) {
    const RatingAt at = next;
    const unsigned n_packs = at.active ? row_packs : 0;
    const unsigned n_biases = at.active && leads && loss.use_bias ? 1 : 0;
    RatingRows<Shape> rows = load_rating_rows<Element, Shape, kLoad>(parameters, at, n_packs, loss.use_bias);
    OptimizerRow<kKind, Element, Shape, kLoad> user, item;
    OptimizerRow<kKind, float, ScalarShape, kLoad> user_bias, item_bias;
    if constexpr (kEarlyState) {
      user.load(parameters.user_factors, at.user, n_packs);
      item.load(parameters.item_factors, at.item, n_packs);
    }
    user_bias.load(parameters.user_bias, at.user, n_biases);
    item_bias.load(parameters.item_bias, at.item, n_biases);
    next = fetch_rating(batch, base + n_groups + group, takes_part);

    const RatingGradient gradient = rating_gradient(rating_score(rows, loss), at.rating, loss);
    if (at.active && leads) error_sum += static_cast<double>(gradient.error) * gradient.error;

    const RowSlice<Shape> user_gradient = combine(gradient.by_score, rows.item, loss.l2, rows.user);
    const RowSlice<Shape> item_gradient = combine(gradient.by_score, rows.user, loss.l2, rows.item);
    if constexpr (!kEarlyState) user.load(parameters.user_factors, at.user, n_packs);
    using Random = RowPairRandom<Element, Shape>;
    const Random random(step.rounding_key, base + group);
    user.update(parameters.user_factors, at.user, n_packs, rows.user, user_gradient, step,
                typename Random::Even{random});
    if constexpr (!kEarlyState) item.load(parameters.item_factors, at.item, n_packs);
    item.update(parameters.item_factors, at.item, n_packs, rows.item, item_gradient, step,
                typename Random::Odd{random});

    if (loss.use_bias) {
      RowSlice<ScalarShape> weight_u = {{{rows.user_bias}}}, weight_i = {{{rows.item_bias}}};
      const RowSlice<ScalarShape> gradient_u = {{{gradient.by_score + loss.l2_bias * rows.user_bias}}};
      const RowSlice<ScalarShape> gradient_i = {{{gradient.by_score + loss.l2_bias * rows.item_bias}}};
      user_bias.update(parameters.user_bias, at.user, n_biases, weight_u, gradient_u, step, RowRandom<ScalarShape>{});
      item_bias.update(parameters.item_bias, at.item, n_biases, weight_i, gradient_i, step, RowRandom<ScalarShape>{});
    }
  }
  const double block_error = block_sum(error_sum);
  if (threadIdx.x == 0) atomic_add(squared_error.place(), block_error);
}

}  // namespace unfold::cuda
