#include "host/ops/softmax_kernels.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/softmax_kernels.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "host/ops/exp-inl.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/row_products-inl.hpp"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// At most 16 lanes: a panel holds whole vectors, and rows of tables do.
using RowTag = hn::CappedTag<float, 16>;
using RowVec = hn::Vec<RowTag>;

// Of n numbers, those from k on; zero past the end or where there are none at all.
HWY_INLINE RowVec load_counts(const float* log_count, std::size_t k, std::size_t n) {
  const RowTag d;
  if (log_count == nullptr || k >= n) return hn::Zero(d);
  if (k + hn::Lanes(d) <= n) return hn::LoadU(d, log_count + k);
  return hn::MaskedLoad(hn::FirstN(d, n - k), d, log_count + k);
}

float scale_scores_impl(float* scores, const float* log_count, float inverse, std::size_t n_valid, std::size_t n) {
  const RowTag d;
  const std::size_t lanes = hn::Lanes(d);
  const RowVec by = hn::Set(d, inverse);
  RowVec high = hn::Set(d, kNoScore);
  for (std::size_t k = 0; k < n; k += lanes) {
    RowVec x = hn::MulSub(hn::Load(d, scores + k), by, load_counts(log_count, k, n_valid));
    if (k + lanes > n_valid) {
      x = hn::IfThenElse(hn::FirstN(d, k < n_valid ? n_valid - k : 0), x, hn::Set(d, kNoScore));
    }
    hn::Store(x, d, scores + k);
    high = hn::Max(high, x);
  }
  return hn::GetLane(hn::MaxOfLanes(d, high));
}

float row_max_impl(const float* row, std::size_t n) {
  const RowTag d;
  RowVec high = hn::Set(d, kNoScore);
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) high = hn::Max(high, hn::Load(d, row + k));
  return hn::GetLane(hn::MaxOfLanes(d, high));
}

ExpSums exp_row_impl(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float max,
                     bool with_moment) {
  const RowTag d;
  const RowVec top = hn::Set(d, max), none = hn::Set(d, kNoScore);
  RowVec sum = hn::Zero(d), moment = hn::Zero(d);
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    const RowVec x = hn::Load(d, row + k);
    const RowVec e = exp_of_negative(d, hn::Sub(x, top));
    sum = hn::Add(sum, e);
    if (with_moment) {
      const RowVec score = hn::Add(x, load_counts(log_count, k, n_valid));
      moment = hn::MulAdd(e, hn::IfThenElseZero(hn::Ne(x, none), score), moment);
    }
    hn::Store(e, d, row + k);
  }
  return {hn::GetLane(hn::SumOfLanes(d, sum)), hn::GetLane(hn::SumOfLanes(d, moment))};
}

HWY_INLINE RowVec bpr_weights(RowVec x, const float* log_count, std::size_t k, std::size_t n_valid, RowVec least) {
  const RowTag d;
  const RowVec weight = hn::Exp(d, hn::Sub(least, load_counts(log_count, k, n_valid)));
  return hn::IfThenElseZero(hn::Ne(x, hn::Set(d, kNoScore)), weight);
}

float bpr_weight_impl(const float* row, const float* log_count, std::size_t n_valid, std::size_t n, float least_count) {
  const RowTag d;
  const RowVec least = hn::Set(d, least_count);
  RowVec sum = hn::Zero(d);
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    sum = hn::Add(sum, bpr_weights(hn::Load(d, row + k), log_count, k, n_valid, least));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

BprSums bpr_row_impl(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float positive,
                     float least_count) {
  const RowTag d;
  const RowVec least = hn::Set(d, least_count), high = hn::Set(d, positive), zero = hn::Zero(d), one = hn::Set(d, 1.0f);
  RowVec loss = zero, slope = zero, moment = zero;
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    const RowVec score = hn::Load(d, row + k);
    const auto takes_part = hn::Ne(score, hn::Set(d, kNoScore));
    const RowVec weight = bpr_weights(score, log_count, k, n_valid, least);
    const RowVec x = hn::IfThenElseZero(takes_part, hn::Sub(score, high));
    const RowVec e = hn::Exp(d, hn::Neg(hn::Abs(x)));
    const RowVec sigmoid = hn::Div(hn::IfThenElse(hn::Ge(x, zero), one, e), hn::Add(one, e));
    const RowVec by_score = hn::Mul(weight, sigmoid);
    loss = hn::MulAdd(weight, hn::Add(hn::Max(x, zero), hn::Log1p(d, e)), loss);
    slope = hn::Add(slope, by_score);
    moment = hn::MulAdd(by_score, x, moment);
    hn::Store(by_score, d, row + k);
  }
  return {hn::GetLane(hn::SumOfLanes(d, loss)), hn::GetLane(hn::SumOfLanes(d, slope)),
          hn::GetLane(hn::SumOfLanes(d, moment))};
}

void add_rows_impl(const float* rows, std::size_t stride, std::size_t n_rows, std::size_t n, float* out) {
  const RowTag d;
  for (std::size_t j = 0; j < n; j += hn::Lanes(d)) {
    alignas(64) float sums[16] = {};
    const std::size_t n_valid = std::min(hn::Lanes(d), n - j);
    std::copy_n(out + j, n_valid, sums);
    RowVec sum = hn::Load(d, sums);
    for (std::size_t r = 0; r < n_rows; ++r) sum = hn::Add(sum, hn::LoadU(d, rows + r * stride + j));
    hn::Store(sum, d, sums);
    std::copy_n(sums, n_valid, out + j);
  }
}

void round_to_bfloat16_impl(const float* from, std::size_t n, float* to) {
  const RowTag d;
  const hn::RebindToUnsigned<RowTag> di;
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    const RowVec x = hn::Load(d, from + k);
    const auto bits = hn::BitCast(di, x);
    const auto half =
        hn::Add(hn::Set(di, 0x7FFFu), hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 1u)));  // ties to even
    const auto is_nan = hn::RebindMask(di, hn::IsNaN(x));
    const auto rounded = hn::IfThenElse(is_nan, hn::Or(bits, hn::Set(di, 0x400000u)), hn::Add(bits, half));
    hn::Store(hn::BitCast(d, hn::And(rounded, hn::Set(di, 0xFFFF0000u))), d, to + k);
  }
}

void multiply_floats_impl(float* row, std::size_t n, float factor) {
  const RowTag d;
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    hn::Store(hn::Mul(hn::Load(d, row + k), hn::Set(d, factor)), d, row + k);
  }
}

void add_multiple_impl(const float* from, float factor, std::size_t n, float* to) {
  const RowTag d;
  for (std::size_t k = 0; k < n; k += hn::Lanes(d)) {
    hn::Store(hn::MulAdd(hn::Set(d, factor), hn::Load(d, from + k), hn::Load(d, to + k)), d, to + k);
  }
}

float dot_impl(const float* a, const float* b, std::size_t n) { return row_products<false>(a, b, n).user_item; }

template <typename Element>
HWY_INLINE void score_rows_of(const float* query, MatrixView<const Element> table, bool normalize, const Row* rows,
                              std::size_t n, float* scores, float* inverse_length) {
  constexpr std::size_t kAhead = 8;
  for (std::size_t k = 0; k < n; ++k) {
    if (k + kAhead < n && rows[k + kAhead] != kNoRow) {
      prefetch_row(table.row(rows[k + kAhead]), table.stride);
    }
    scores[k] = kNoScore;
    inverse_length[k] = 0;
    if (rows[k] == kNoRow) continue;
    const Element* const row = table.row(rows[k]);
    if (normalize) {
      const Products products = row_products<true>(query, row, table.stride);
      inverse_length[k] = products.item_item > 0 ? 1.0f / std::sqrt(products.item_item) : 0.0f;
      scores[k] = products.user_item * inverse_length[k];
    } else {
      inverse_length[k] = 1;
      scores[k] = row_products<false>(query, row, table.stride).user_item;
    }
  }
}

void score_table_rows_impl(const float* query, const ConstTableView& table, bool normalize, const Row* rows,
                           std::size_t n, float* scores, float* inverse_length) {
  with_element(table.type, [&]<typename Element>() {
    score_rows_of<Element>(query, table.as<const Element>(), normalize, rows, n, scores, inverse_length);
  });
}

template <typename Element>
HWY_INLINE void add_row_gradient_of(const float* query, const Element* row, std::size_t stride, bool normalize,
                                    float inverse_length, float slope, float* query_gradient, float* row_gradient) {
  const FloatTag d;
  const float factor = slope * inverse_length;
  const float along =
      normalize ? row_products<false>(query, row, stride).user_item * inverse_length * inverse_length : 0.0f;
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    const FloatVec v = load_floats(row + k);
    const FloatVec across = hn::NegMulAdd(hn::Set(d, along), v, hn::Load(d, query + k));
    hn::Store(hn::MulAdd(hn::Set(d, factor), v, hn::Load(d, query_gradient + k)), d, query_gradient + k);
    hn::Store(hn::Mul(hn::Set(d, factor), across), d, row_gradient + k);
  }
}

void add_table_row_gradient_impl(const float* query, const ConstTableView& table, bool normalize, Row row,
                                 float inverse_length, float slope, float* query_gradient, float* row_gradient) {
  with_element(table.type, [&]<typename Element>() {
    add_row_gradient_of(query, table.as<const Element>().row(row), table.stride, normalize, inverse_length, slope,
                        query_gradient, row_gradient);
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(scale_scores_impl);
HWY_EXPORT(row_max_impl);
HWY_EXPORT(exp_row_impl);
HWY_EXPORT(bpr_weight_impl);
HWY_EXPORT(bpr_row_impl);
HWY_EXPORT(add_rows_impl);
HWY_EXPORT(round_to_bfloat16_impl);
HWY_EXPORT(multiply_floats_impl);
HWY_EXPORT(add_multiple_impl);
HWY_EXPORT(dot_impl);
HWY_EXPORT(score_table_rows_impl);
HWY_EXPORT(add_table_row_gradient_impl);

float scale_scores(float* scores, const float* log_count, float inverse, std::size_t n_valid, std::size_t n) {
  return HWY_DYNAMIC_DISPATCH(scale_scores_impl)(scores, log_count, inverse, n_valid, n);
}
float row_max(const float* row, std::size_t n) { return HWY_DYNAMIC_DISPATCH(row_max_impl)(row, n); }
ExpSums exp_row(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float max, bool with_moment) {
  return HWY_DYNAMIC_DISPATCH(exp_row_impl)(row, log_count, n_valid, n, max, with_moment);
}
BprSums bpr_row(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float positive,
                float least_count) {
  return HWY_DYNAMIC_DISPATCH(bpr_row_impl)(row, log_count, n_valid, n, positive, least_count);
}
float bpr_weight(const float* row, const float* log_count, std::size_t n_valid, std::size_t n, float least_count) {
  return HWY_DYNAMIC_DISPATCH(bpr_weight_impl)(row, log_count, n_valid, n, least_count);
}
void add_rows(const float* rows, std::size_t stride, std::size_t n_rows, std::size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(add_rows_impl)(rows, stride, n_rows, n, out);
}
void round_to_bfloat16(const float* from, std::size_t n, float* to) {
  HWY_DYNAMIC_DISPATCH(round_to_bfloat16_impl)(from, n, to);
}
void multiply_floats(float* row, std::size_t n, float factor) {
  HWY_DYNAMIC_DISPATCH(multiply_floats_impl)(row, n, factor);
}
void add_multiple(const float* from, float factor, std::size_t n, float* to) {
  HWY_DYNAMIC_DISPATCH(add_multiple_impl)(from, factor, n, to);
}
float dot(const float* a, const float* b, std::size_t n) { return HWY_DYNAMIC_DISPATCH(dot_impl)(a, b, n); }
void score_table_rows(const float* query, const ConstTableView& table, bool normalize, const Row* rows, std::size_t n,
                      float* scores, float* inverse_length) {
  HWY_DYNAMIC_DISPATCH(score_table_rows_impl)(query, table, normalize, rows, n, scores, inverse_length);
}
void add_table_row_gradient(const float* query, const ConstTableView& table, bool normalize, Row row,
                            float inverse_length, float slope, float* query_gradient, float* row_gradient) {
  HWY_DYNAMIC_DISPATCH(add_table_row_gradient_impl)
  (query, table, normalize, row, inverse_length, slope, query_gradient, row_gradient);
}

}  // namespace unfold::cpu
#endif
