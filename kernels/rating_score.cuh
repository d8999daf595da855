// One rating in a group's registers: its two rows, its two biases, its score. Shared by the kernels that learn.
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/op_arguments.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold::cuda {

// Which rating a group has, if any.
struct RatingAt {
  Row user = 0, item = 0;
  float rating = 0;
  bool active = false;
};

__device__ inline RatingAt fetch_rating(const RatingBatch& batch, std::uint64_t n, bool active) {
  RatingAt at;
  if (active && n < batch.size) at = {batch.users[n], batch.items[n], batch.ratings[n], true};
  return at;
}

template <typename Shape>
struct RatingRows {
  RowSlice<Shape> user, item;
  float user_bias = 0, item_bias = 0;  // in lane 0
};

// Every lane of the warp calls it. Rows and biases of a group without a rating are zero.
template <typename Element, typename Shape, LoadKind kLoad>
__device__ inline RatingRows<Shape> load_rating_rows(const MfParameters& parameters, const RatingAt& at,
                                                     unsigned n_packs, bool use_bias) {
  RatingRows<Shape> rows;
  rows.user = load_row<Shape, kLoad>(parameters.user_factors.weight.as<const Element>().row(at.user), n_packs);
  rows.item = load_row<Shape, kLoad>(parameters.item_factors.weight.as<const Element>().row(at.item), n_packs);
  if (use_bias && at.active && group_lane<Shape::kWidth>() == 0) {
    rows.user_bias = load<kLoad>(parameters.user_bias.weight.as<float>().row(at.user));
    rows.item_bias = load<kLoad>(parameters.item_bias.weight.as<float>().row(at.item));
  }
  return rows;
}

// The score, in every lane of the group. Every lane of the warp calls it.
template <typename Shape>
__device__ inline float rating_score(const RatingRows<Shape>& rows, const RatingLoss& loss) {
  const float share = dot_share(rows.user, rows.item) + (rows.user_bias + rows.item_bias);
  return loss.link.mean + group_sum<Shape::kWidth>(share);
}

}  // namespace unfold::cuda
