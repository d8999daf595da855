// Predicted ratings of (user, item) pairs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/predict_ratings.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

template <typename Element>
void predict_pairs(const MfParameters& t, const Row* users, const Row* items, std::uint64_t first, std::uint64_t last,
                   const RatingLoss& loss, float* prediction) {
  const std::size_t stride = t.user_factors.weight.stride;
  const float* const user_bias = loss.use_bias ? t.user_bias.weight.as<const float>().data : nullptr;
  const float* const item_bias = loss.use_bias ? t.item_bias.weight.as<const float>().data : nullptr;
  for (std::uint64_t n = first; n < last; ++n) {
    const Row user = users[n], item = items[n];
    float score = loss.mean;
    if (user_bias != nullptr && user != kUnknownRow) score += user_bias[user];
    if (item_bias != nullptr && item != kUnknownRow) score += item_bias[item];
    if (user != kUnknownRow && item != kUnknownRow) {
      const Element* p = t.user_factors.weight.as<const Element>().row(user);
      const Element* q = t.item_factors.weight.as<const Element>().row(item);
      score += row_products<false>(p, q, stride).user_item;
    }
    prediction[n] = predicted_rating(score, loss);
  }
}

void predict_ratings_slice(const MfParameters& t, const Row* users, const Row* items, std::uint64_t first,
                           std::uint64_t last, const RatingLoss& loss, float* prediction) {
  with_element(t.user_factors.weight.type,
               [&]<typename Element>() { predict_pairs<Element>(t, users, items, first, last, loss, prediction); });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(predict_ratings_slice);

void predict_ratings(const MfParameters& parameters, const Row* users, const Row* items, std::uint64_t n,
                     const RatingLoss& loss, float* prediction, int n_threads) {
  constexpr std::uint64_t kSlice = 4096;
  const std::uint64_t n_slices = (n + kSlice - 1) / kSlice;
#pragma omp parallel for num_threads(threads_for(n, n_threads)) schedule(static)
  for (std::uint64_t s = 0; s < n_slices; ++s) {
    const std::uint64_t last = s + 1 == n_slices ? n : (s + 1) * kSlice;
    HWY_DYNAMIC_DISPATCH(predict_ratings_slice)(parameters, users, items, s * kSlice, last, loss, prediction);
  }
}

}  // namespace unfold::cpu
#endif
