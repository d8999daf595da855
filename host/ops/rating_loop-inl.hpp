// The inner loop of rating_step: one rating after another, for an optimizer, an element type and a stride. Included
// once a SIMD target.
//
// Ids are known ahead, so the rows of ratings to come, and the state beside them, are prefetched. With a stride that is
// known when this is compiled, loops over columns are unrolled, and two rows that fill half of the registers at most
// stay there from the score to the update; others are read once for the score and once more, from the first-level
// cache, for the update.
#if defined(UNFOLD_HOST_OPS_RATING_LOOP_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_RATING_LOOP_INL
#undef UNFOLD_HOST_OPS_RATING_LOOP_INL
#else
#define UNFOLD_HOST_OPS_RATING_LOOP_INL
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "host/ops/elements-inl.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"
#include "hwy/highway.h"
#include "unfold/op_arguments.hpp"
#include "unfold/rating_loss.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

inline constexpr std::size_t kVectorRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 32 : 16;

// A row of kVectors vectors, held in registers.
template <typename Element, std::size_t kVectors>
class HeldRow {
 public:
  HWY_INLINE explicit HeldRow(const Element* row) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) vectors_[v] = load_floats(row + v * hn::Lanes(FloatTag()));
  }
  HWY_INLINE FloatVec operator[](std::size_t v) const { return vectors_[v]; }

 private:
  FloatVec vectors_[kVectors];
};

// A row that is read where it is.
template <typename Element>
class HeldRow<Element, 0> {
 public:
  HWY_INLINE explicit HeldRow(const Element* row) : row_(row) {}
  HWY_INLINE FloatVec operator[](std::size_t v) const { return load_floats(row_ + v * hn::Lanes(FloatTag())); }

 private:
  const Element* row_;
};

// As row_products, of rows of n vectors, where n is known when this is compiled.
template <std::size_t n, bool kSquares, typename HeldRow>
HWY_INLINE Products unrolled_products(const HeldRow& p, const HeldRow& q) {
  constexpr std::size_t kSums = n < 4 ? n : 4;
  const FloatTag d;
  FloatVec dot[kSums], pp = hn::Zero(d), qq = hn::Zero(d);
#pragma GCC unroll 16
  for (std::size_t v = 0; v < n; ++v) {
    dot[v % kSums] = v < kSums ? hn::Mul(p[v], q[v]) : hn::MulAdd(p[v], q[v], dot[v % kSums]);
    if constexpr (kSquares) {
      pp = hn::MulAdd(p[v], p[v], pp);
      qq = hn::MulAdd(q[v], q[v], qq);
    }
  }
  FloatVec sum = dot[0];
  if constexpr (kSums == 2) sum = hn::Add(dot[0], dot[1]);
  if constexpr (kSums == 3) sum = hn::Add(hn::Add(dot[0], dot[1]), dot[2]);
  if constexpr (kSums == 4) sum = hn::Add(hn::Add(dot[0], dot[1]), hn::Add(dot[2], dot[3]));
  Products products;
  products.user_item = hn::GetLane(hn::SumOfLanes(d, sum));
  if constexpr (kSquares) {
    products.user_user = hn::GetLane(hn::SumOfLanes(d, pp));
    products.item_item = hn::GetLane(hn::SumOfLanes(d, qq));
  }
  return products;
}

// Mean over the columns of (g * other + l2 * own)^2.
HWY_INLINE float mean_square(float g, float l2, float own_own, float own_other, float other_other, float dim) {
  return (g * g * other_other + 2.0f * g * l2 * own_other + l2 * l2 * own_own) / dim;
}

// kStride: of the tables of factors; 0: any.
template <OptimizerKind kKind, typename Element, std::size_t kStride>
class RatingLoop {
 public:
  RatingLoop(const MfParameters& tables, const RatingLoss& loss, const OptimizerStep& step)
      : t_(tables),
        loss_(loss),
        step_(step),
        stride_(kStride == 0 ? tables.user_factors.weight.stride : kStride),
        ahead_(rows_ahead(2 * Update::template row_bytes<Element>(tables.user_factors))),
        dim_(static_cast<float>(tables.user_factors.weight.cols)),
        rounding_(step.rounding_key) {}

  // A run of the batch's arrays; its squared error. positions[n]: the place of rating n of the arrays in the batch,
  // which its rounding depends on; null: as the run says.
  double run(const RatingBatch& arrays, const RatingRun& run, const std::uint32_t* positions) {
    const Row* const users = arrays.users + run.first;
    const Row* const items = arrays.items + run.first;
    const float* const ratings = arrays.ratings + run.first;
    for (std::uint64_t n = 0; n < std::min(ahead_, run.size); ++n) prefetch_rows(users[n], items[n]);
    double squared_error = 0;
    for (std::uint64_t n = 0; n < run.size; ++n) {
      if (n + ahead_ < run.size) prefetch_rows(users[n + ahead_], items[n + ahead_]);
      if constexpr (kIsRounded<Element>) {
        rounding_.template draw<2>(positions == nullptr ? run.place + n : positions[run.first + n], stride_);
      }
      const float error = rate(users[n], items[n], ratings[n]);
      squared_error += static_cast<double>(error) * static_cast<double>(error);
    }
    return squared_error;
  }

 private:
  using Update = RowUpdate<kKind>;
  static constexpr bool kSquares = kKind == OptimizerKind::kRowwiseAdagrad;
  static constexpr std::size_t kLanes = hn::MaxLanes(FloatTag());
  static constexpr std::size_t kVectors = kStride / kLanes;  // of a row; 0: not known
  static constexpr std::size_t kHeld = 2 * kVectors <= kVectorRegisters / 2 ? kVectors : 0;
  using Held = HeldRow<Element, kHeld>;

  HWY_INLINE void prefetch_rows(Row user, Row item) const {
    Update::template prefetch<Element>(t_.user_factors, user);
    Update::template prefetch<Element>(t_.item_factors, item);
  }

  HWY_INLINE Products products(const Element* p, const Element* q, const Held& user, const Held& item) const {
    if constexpr (kVectors > 0) return unrolled_products<kVectors, kSquares>(user, item);
    return row_products<kSquares>(p, q, stride_);
  }

  // The step of one rating; its error.
  HWY_INLINE float rate(Row user, Row item, float rating) {
    Element* HWY_RESTRICT p = t_.user_factors.weight.as<Element>().row(user);
    Element* HWY_RESTRICT q = t_.item_factors.weight.as<Element>().row(item);
    const float user_bias = t_.user_bias.weight.as<float>().data[user];
    const float item_bias = t_.item_bias.weight.as<float>().data[item];
    const Held held_user(p), held_item(q);
    const Products sums = products(p, q, held_user, held_item);
    const float score = loss_.link.mean + (loss_.use_bias ? user_bias + item_bias : 0.0f) + sums.user_item;
    const RatingGradient gradient = rating_gradient(score, rating, loss_);
    const float g = gradient.by_score, l2 = loss_.l2;
    if (loss_.use_bias) {
      update_scalar<kKind>(t_.user_bias, user, g + loss_.l2_bias * user_bias, step_);
      update_scalar<kKind>(t_.item_bias, item, g + loss_.l2_bias * item_bias, step_);
    }
    float user_square = 0, item_square = 0;
    if constexpr (kSquares) {
      user_square = mean_square(g, l2, sums.user_user, sums.user_item, sums.item_item, dim_);
      item_square = mean_square(g, l2, sums.item_item, sums.user_item, sums.user_user, dim_);
    }
    const Update update_user(t_.user_factors, user, user_square, step_);
    const Update update_item(t_.item_factors, item, item_square, step_);
    const FloatVec by_score = hn::Set(FloatTag(), g), penalty = hn::Set(FloatTag(), l2);
    const auto update_vector = [&](std::size_t v) HWY_ATTR {
      const std::size_t k = v * kLanes;
      const FloatVec pv = held_user[v], qv = held_item[v];
      const FloatVec user_gradient = hn::MulAdd(by_score, qv, hn::Mul(penalty, pv));
      const FloatVec item_gradient = hn::MulAdd(by_score, pv, hn::Mul(penalty, qv));
      store_floats(update_user(pv, user_gradient, k), p + k, rounding_.bits(0) + k);
      store_floats(update_item(qv, item_gradient, k), q + k, rounding_.bits(1) + k);
    };
    if constexpr (kVectors > 0) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) update_vector(v);
    } else {
      for (std::size_t v = 0; v < stride_ / kLanes; ++v) update_vector(v);
    }
    return gradient.error;
  }

  MfParameters t_;
  RatingLoss loss_;
  OptimizerStep step_;
  std::uint64_t stride_, ahead_;
  float dim_;
  RowRounding<Element> rounding_;
};

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
