// Gradients of biased matrix factorization for a batch, not applied. Each rating owns its rows of the output, so
// threads do not meet; errors are summed slice by slice in a fixed order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rating_gradients.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

template <typename Element>
double write_gradients(const RatingGradients& op, std::uint64_t first, std::uint64_t last) {
  const MfParameters& t = op.parameters;
  const RatingBatch& batch = op.batch;
  const RatingLoss& loss = op.loss;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t stride = t.user_factors.weight.stride;
  const FloatVec l2 = hn::Set(d, loss.l2);
  double squared_error = 0;
  for (std::uint64_t n = first; n < last; ++n) {
    const Row user = batch.users[n], item = batch.items[n];
    const Element* HWY_RESTRICT p = t.user_factors.weight.as<const Element>().row(user);
    const Element* HWY_RESTRICT q = t.item_factors.weight.as<const Element>().row(item);
    const float user_bias = t.user_bias.weight.as<float>().data[user];
    const float item_bias = t.item_bias.weight.as<float>().data[item];
    const float bias = loss.use_bias ? user_bias + item_bias : 0.0f;
    const float score = loss.link.mean + bias + row_products<false>(p, q, stride).user_item;
    const RatingGradient gradient = rating_gradient(score, batch.ratings[n], loss);
    squared_error += static_cast<double>(gradient.error) * static_cast<double>(gradient.error);
    op.user_bias_gradient[n] = loss.use_bias ? gradient.by_score + loss.l2_bias * user_bias : 0.0f;
    op.item_bias_gradient[n] = loss.use_bias ? gradient.by_score + loss.l2_bias * item_bias : 0.0f;
    float* HWY_RESTRICT user_out = op.user_gradient.row(n);
    float* HWY_RESTRICT item_out = op.item_gradient.row(n);
    const FloatVec g = hn::Set(d, gradient.by_score);
    for (std::size_t k = 0; k < stride; k += lanes) {
      const FloatVec pk = load_floats(p + k), qk = load_floats(q + k);
      hn::Store(hn::MulAdd(g, qk, hn::Mul(l2, pk)), d, user_out + k);
      hn::Store(hn::MulAdd(g, pk, hn::Mul(l2, qk)), d, item_out + k);
    }
  }
  return squared_error;
}

double rating_gradients_slice(const RatingGradients& op, std::uint64_t first, std::uint64_t last) {
  return with_element(op.parameters.user_factors.weight.type,
                      [&]<typename Element>() { return write_gradients<Element>(op, first, last); });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(rating_gradients_slice);

void run(const RatingGradients& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const std::uint64_t size = op.batch.size;
  // At most this many slices, so that their errors fit on the stack; their bounds depend on the batch alone.
  constexpr std::uint64_t kMaxSlices = 256;
  const std::uint64_t slice = (size + kMaxSlices - 1) / kMaxSlices;
  if (slice == 0) return;
  const std::uint64_t n_slices = (size + slice - 1) / slice;
  double errors[kMaxSlices];
#pragma omp parallel for num_threads(threads_for(size, n_threads)) schedule(static)
  for (std::uint64_t s = 0; s < n_slices; ++s) {
    const std::uint64_t last = s + 1 == n_slices ? size : (s + 1) * slice;
    errors[s] = HWY_DYNAMIC_DISPATCH(rating_gradients_slice)(op, s * slice, last);
  }
  for (std::uint64_t s = 0; s < n_slices; ++s) *op.squared_error.place() += errors[s];
}

}  // namespace unfold::cpu
#endif
