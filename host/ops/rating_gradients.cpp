// Gradients of biased matrix factorization for a batch, summed for the rows of one side and not applied. A row's
// ratings are one thread's; errors are summed slice by slice in a fixed order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rating_gradients.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/segments.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// The tables as the op's side sees them.
template <typename Element>
struct OwnAndOther {
  MatrixView<const Element> own, other;
  const float* own_bias;
  const float* other_bias;
  const Row* other_rows;  // of the batch

  explicit OwnAndOther(const RatingGradients& op) {
    const MfParameters& t = op.parameters;
    const bool by_user = op.side == RatingSide::kUsers;
    own = (by_user ? t.user_factors : t.item_factors).weight.template as<const Element>();
    other = (by_user ? t.item_factors : t.user_factors).weight.template as<const Element>();
    own_bias = (by_user ? t.user_bias : t.item_bias).weight.template as<const float>().data;
    other_bias = (by_user ? t.item_bias : t.user_bias).weight.template as<const float>().data;
    other_rows = by_user ? op.batch.items : op.batch.users;
  }
};

// The ratings of segment s. Returns the sum of their squared errors.
template <typename Element>
double sum_segment(const RatingGradients& op, const OwnAndOther<Element>& t, std::uint64_t s, std::uint64_t ahead) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d), stride = t.own.stride;
  const RatingLoss& loss = op.loss;
  const Segment at = segment_of(op.sorted, s);
  const Element* HWY_RESTRICT own = t.own.row(at.row);
  const float own_bias = loss.use_bias ? t.own_bias[at.row] : 0.0f;
  float* HWY_RESTRICT sum = op.gradient.row(s);
  for (std::size_t k = 0; k < stride; k += lanes) hn::Store(hn::Zero(d), d, sum + k);
  float bias_sum = 0;
  double squared_error = 0;
  for (std::uint64_t n = at.begin; n < at.end; ++n) {
    if (n + ahead < op.sorted.n) prefetch_row(t.other.row(t.other_rows[op.sorted.order[n + ahead]]), stride);
    const std::uint32_t place = op.sorted.order[n];
    const Row other_row = t.other_rows[place];
    const Element* HWY_RESTRICT other = t.other.row(other_row);
    const float bias = loss.use_bias ? own_bias + t.other_bias[other_row] : 0.0f;
    const float score = loss.link.mean + bias + row_products<false>(own, other, stride).user_item;
    const RatingGradient gradient = rating_gradient(score, op.batch.ratings[place], loss);
    squared_error += static_cast<double>(gradient.error) * static_cast<double>(gradient.error);
    op.by_score[place] = gradient.by_score;
    bias_sum += gradient.by_score;
    const FloatVec g = hn::Set(d, gradient.by_score);
    for (std::size_t k = 0; k < stride; k += lanes) {
      hn::Store(hn::MulAdd(g, load_floats(other + k), hn::Load(d, sum + k)), d, sum + k);
    }
  }
  const auto count = static_cast<float>(at.end - at.begin);
  const FloatVec l2 = hn::Set(d, loss.l2 * count);
  for (std::size_t k = 0; k < stride; k += lanes) {
    hn::Store(hn::MulAdd(l2, load_floats(own + k), hn::Load(d, sum + k)), d, sum + k);
  }
  if (loss.use_bias) op.bias_gradient[s] = bias_sum + loss.l2_bias * count * own_bias;
  return squared_error;
}

double rating_gradients_slice(const RatingGradients& op, std::uint64_t first, std::uint64_t last) {
  return with_element(op.parameters.user_factors.weight.type, [&]<typename Element>() {
    const OwnAndOther<Element> tables(op);
    const std::uint64_t ahead = rows_ahead(tables.other.stride * sizeof(Element));
    double squared_error = 0;
    for (std::uint64_t s = first; s < last; ++s) squared_error += sum_segment(op, tables, s, ahead);
    return squared_error;
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(rating_gradients_slice);

void run(const RatingGradients& op, std::span<std::byte> /*workspace*/, int n_threads) {
  // At most this many slices, so that their errors fit on the stack; their bounds depend on the batch alone.
  constexpr std::uint64_t kMaxSlices = 256;
  const std::uint64_t size = op.batch.size;
  const std::uint64_t slice = (size + kMaxSlices - 1) / kMaxSlices;
  if (slice == 0) return;
  const std::uint64_t n_slices = (size + slice - 1) / slice;
  double errors[kMaxSlices];
  parallel_slices(size, slice, threads_for_rows(size, op.gradient.stride, n_threads),
                  [&](std::uint64_t first, std::uint64_t last) {
                    errors[first / slice] = HWY_DYNAMIC_DISPATCH(rating_gradients_slice)(
                        op, segment_from(op.sorted, first), segment_from(op.sorted, last));
                  });
  for (std::uint64_t s = 0; s < n_slices; ++s) *op.squared_error.place() += errors[s];
}

}  // namespace unfold::cpu
#endif
