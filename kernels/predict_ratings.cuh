// Predicted ratings of pairs. kNoRow contributes nothing: no bias and no factors.
// Shapes    tables as in rating_step.cuh; users, items, prediction [n]
// Work      a group of 8 lanes a pair, lanes stride over dim in packs of 16 bytes
// Traffic   a pair reads 2 * (element bytes * dim + 4) + 8 bytes and writes 4
// Races     none
// Requires  rows in range or kNoRow; factor tables of one type, their rows aligned to 16 bytes
// Source    Koren, Bell and Volinsky, IEEE Computer 2009, eq. 4
#pragma once

#include "kernels/simt.cuh"
#include "unfold/op_arguments.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold::cuda {

inline constexpr unsigned kPredictThreads = 256;
inline constexpr int kPredictWidth = 8;

template <typename Element>
__global__ void __launch_bounds__(kPredictThreads)
    predict_ratings_kernel(const MfParameters parameters, const Row* users, const Row* items, const std::uint64_t n,
                           const RatingLink link, float* prediction) {
  constexpr int kPack = 16 / sizeof(Element);
  const unsigned row_packs = (parameters.user_factors.weight.cols + kPack - 1) / kPack;
  const float* const user_bias = parameters.user_bias.weight.as<const float>().data;
  const float* const item_bias = parameters.item_bias.weight.as<const float>().data;
  const bool leads = group_lane<kPredictWidth>() == 0;
  for (std::uint64_t base = 0; base < n; base += group_count<kPredictWidth>()) {
    const std::uint64_t at = base + group_index<kPredictWidth>();
    const Row user = at < n ? users[at] : kNoRow;
    const Row item = at < n ? items[at] : kNoRow;
    float share = 0;
    if (user != kNoRow && item != kNoRow) {
      const Element* p = parameters.user_factors.weight.as<const Element>().row(user);
      const Element* q = parameters.item_factors.weight.as<const Element>().row(item);
      UNFOLD_UNROLL_BY(4)
      for (unsigned pack = group_lane<kPredictWidth>(); pack < row_packs; pack += kPredictWidth) {
        float a[kPack], b[kPack];
        load_pack<kPack>(p + pack * kPack, a);
        load_pack<kPack>(q + pack * kPack, b);
        UNFOLD_UNROLL
        for (int j = 0; j < kPack; ++j) share += a[j] * b[j];
      }
    }
    if (leads && user_bias != nullptr && user != kNoRow) share += user_bias[user];
    if (leads && item_bias != nullptr && item != kNoRow) share += item_bias[item];
    const float score = link.mean + group_sum<kPredictWidth>(share);
    if (leads && at < n) prediction[at] = predicted_rating(score, link);
  }
}

}  // namespace unfold::cuda
