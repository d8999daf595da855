// The fast update of biased matrix factorization: rows changed in place, one rating after another on each thread.
//
// Ids are known ahead, so the rows of ratings to come are prefetched; the two rows of a rating are read once for
// the score (and, for row-wise AdaGrad, for the gradient's length) and once more, from the first-level cache, for
// the update.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rating_step.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/cache_control.h"
#include "hwy/highway.h"

#include <omp.h>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::uint64_t kCacheLineFloats = 16;
// Cache lines asked for ahead: enough to cover the latency of the last-level cache, few enough for the core's
// line fill buffers and first-level cache to hold.
constexpr std::uint64_t kLinesAhead = 48;

HWY_INLINE void prefetch_row(const float* row, std::uint64_t stride) {
  for (std::uint64_t k = 0; k < stride; k += kCacheLineFloats) hwy::Prefetch(row + k);
}

// Mean over the columns of (g * other + l2 * own)^2.
HWY_INLINE float mean_square(float g, float l2, float own_own, float own_other, float other_other, float dim) {
  return (g * g * other_other + 2.0f * g * l2 * own_other + l2 * l2 * own_own) / dim;
}

template <OptimizerKind kKind>
double rating_step_slice(const MfParameters& t, const RatingBatch& batch, std::uint64_t first, std::uint64_t last,
                         const RatingLoss& loss, const OptimizerStep& step) {
  constexpr bool kSquares = kKind == OptimizerKind::kRowwiseAdagrad;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::uint64_t stride = t.user_factors.weight.stride;
  const float dim = static_cast<float>(t.user_factors.weight.cols);
  const std::uint64_t ahead = 1 + kLinesAhead * kCacheLineFloats / (2 * stride);
  const FloatVec l2 = hn::Set(d, loss.l2);
  double squared_error = 0;
  for (std::uint64_t n = first; n < last; ++n) {
    if (n + ahead < last) {
      prefetch_row(t.user_factors.weight.row(batch.users[n + ahead]), stride);
      prefetch_row(t.item_factors.weight.row(batch.items[n + ahead]), stride);
    }
    const Row user = batch.users[n], item = batch.items[n];
    float* HWY_RESTRICT p = t.user_factors.weight.row(user);
    float* HWY_RESTRICT q = t.item_factors.weight.row(item);
    float& user_bias = t.user_bias.weight.data[user];
    float& item_bias = t.item_bias.weight.data[item];
    const Products products = row_products<kSquares>(p, q, stride);
    const float score = loss.mean + user_bias + item_bias + products.user_item;
    const RatingGradient gradient = rating_gradient(score, batch.ratings[n], loss);
    squared_error += static_cast<double>(gradient.error) * static_cast<double>(gradient.error);
    if (loss.use_bias) {
      update_scalar<kKind>(t.user_bias, user, gradient.by_score + loss.l2_bias * user_bias, step);
      update_scalar<kKind>(t.item_bias, item, gradient.by_score + loss.l2_bias * item_bias, step);
    }
    float user_square = 0, item_square = 0;
    if constexpr (kSquares) {
      user_square = mean_square(gradient.by_score, loss.l2, products.user_user, products.user_item,
                                products.item_item, dim);
      item_square = mean_square(gradient.by_score, loss.l2, products.item_item, products.user_item,
                                products.user_user, dim);
    }
    const RowUpdate<kKind> update_user(t.user_factors, user, user_square, step);
    const RowUpdate<kKind> update_item(t.item_factors, item, item_square, step);
    const FloatVec g = hn::Set(d, gradient.by_score);
    for (std::size_t k = 0; k < stride; k += lanes) {
      const FloatVec pk = hn::Load(d, p + k), qk = hn::Load(d, q + k);
      hn::Store(update_user(pk, hn::MulAdd(g, qk, hn::Mul(l2, pk)), k), d, p + k);
      hn::Store(update_item(qk, hn::MulAdd(g, pk, hn::Mul(l2, qk)), k), d, q + k);
    }
  }
  return squared_error;
}

double rating_step_any(const MfParameters& parameters, const RatingBatch& batch, std::uint64_t first,
                       std::uint64_t last, const RatingLoss& loss, const OptimizerStep& step) {
  double squared_error = 0;
  with_optimizer(step.kind, [&]<OptimizerKind kKind>() {
    squared_error = rating_step_slice<kKind>(parameters, batch, first, last, loss, step);
  });
  return squared_error;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(rating_step_any);

void rating_step(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                 const OptimizerStep& step, double* squared_error, int n_threads) {
  if (batch.size == 0) return;
  double total = 0;
#pragma omp parallel num_threads(threads_for(batch.size, n_threads)) reduction(+ : total)
  {
    const auto thread = static_cast<std::uint64_t>(omp_get_thread_num());
    const auto threads = static_cast<std::uint64_t>(omp_get_num_threads());
    const std::uint64_t first = batch.size * thread / threads;
    const std::uint64_t last = batch.size * (thread + 1) / threads;
    total += HWY_DYNAMIC_DISPATCH(rating_step_any)(parameters, batch, first, last, loss, step);
  }
  *squared_error += total;
}

}  // namespace unfold::cpu
#endif
