// Predicted ratings of (user, item) pairs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/predict_ratings.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

template <typename Element>
void predict_pairs(const PredictRatings& op, std::uint64_t first, std::uint64_t last) {
  const MfParameters& t = op.parameters;
  const std::size_t stride = t.user_factors.weight.stride;
  const float* const user_bias = t.user_bias.weight.as<const float>().data;
  const float* const item_bias = t.item_bias.weight.as<const float>().data;
  for (std::uint64_t n = first; n < last; ++n) {
    const Row user = op.users[n], item = op.items[n];
    float score = op.link.mean;
    if (user_bias != nullptr && user != kNoRow) score += user_bias[user];
    if (item_bias != nullptr && item != kNoRow) score += item_bias[item];
    if (user != kNoRow && item != kNoRow) {
      const Element* p = t.user_factors.weight.as<const Element>().row(user);
      const Element* q = t.item_factors.weight.as<const Element>().row(item);
      score += row_products<false>(p, q, stride).user_item;
    }
    op.prediction[n] = predicted_rating(score, op.link);
  }
}

void predict_ratings_slice(const PredictRatings& op, std::uint64_t first, std::uint64_t last) {
  with_element(op.parameters.user_factors.weight.type,
               [&]<typename Element>() { predict_pairs<Element>(op, first, last); });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(predict_ratings_slice);

void run(const PredictRatings& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const std::uint64_t n = op.n_pairs;
  constexpr std::uint64_t kSlice = 1024;
  parallel_slices(n, kSlice, threads_for(n, n_threads), [&](std::uint64_t first, std::uint64_t last) {
    HWY_DYNAMIC_DISPATCH(predict_ratings_slice)(op, first, last);
  });
}

}  // namespace unfold::cpu
#endif
