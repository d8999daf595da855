// One optimizer's update of one row, vector by vector; optimizer.hpp has the rules. Included once a SIMD target.
// Rows hold whole vectors: the stride is a multiple of the widest target's lanes, and padding stays zero, since
// a zero weight with a zero gradient and a zero state is left at zero by every rule.
#if defined(UNFOLD_HOST_OPS_ROW_UPDATE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_ROW_UPDATE_INL
#undef UNFOLD_HOST_OPS_ROW_UPDATE_INL
#else
#define UNFOLD_HOST_OPS_ROW_UPDATE_INL
#endif

#include <cstddef>
#include <cstdint>

#include "host/ops/elements-inl.hpp"
#include "host/ops/prefetch.hpp"
#include "hwy/highway.h"
#include "unfold/optimizer.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
// Holds what is constant over a row. `mean_squared_gradient` is used by row-wise AdaGrad alone.
template <OptimizerKind kKind>
class RowUpdate {
 public:
  HWY_INLINE RowUpdate(const ParameterView& table, std::uint64_t row, float mean_squared_gradient,
                       const OptimizerStep& step) {
    const FloatTag d;
    const std::uint64_t offset = row * table.weight.stride;
    if constexpr (kKind == OptimizerKind::kSgd) {
      rate_ = hn::Set(d, step.learning_rate);
    } else if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
      rate_ = hn::Set(d, rowwise_adagrad_scale(mean_squared_gradient, table.first[row], step));
    } else if constexpr (kKind == OptimizerKind::kAdagrad) {
      first_ = table.first + offset;
      rate_ = hn::Set(d, step.learning_rate);
      epsilon_ = hn::Set(d, step.epsilon);
    } else {
      first_ = table.first + offset;
      second_ = table.second + offset;
      const AdamCorrection correction = adam_correction(++table.steps[row], step);
      rate_ = hn::Set(d, correction.rate);
      second_root_ = hn::Set(d, correction.second_root);
      epsilon_ = hn::Set(d, step.epsilon);
      beta1_ = hn::Set(d, step.beta1);
      beta2_ = hn::Set(d, step.beta2);
      one_minus_beta1_ = hn::Set(d, 1.0f - step.beta1);
      one_minus_beta2_ = hn::Set(d, 1.0f - step.beta2);
    }
  }

  // Bytes of a row in the tables of weights and state, and their prefetch.
  template <typename Element>
  static HWY_INLINE std::uint64_t row_bytes(const ParameterView& table) {
    return table.weight.stride * (sizeof(Element) + sizeof(float) * kStates);
  }
  template <typename Element>
  static HWY_INLINE void prefetch(const ParameterView& table, std::uint64_t row) {
    const std::uint64_t stride = table.weight.stride;
    prefetch_row(table.weight.as<const Element>().row(row), stride);
    if constexpr (kStates >= 1) prefetch_row(table.first + row * stride, stride);
    if constexpr (kStates >= 2) prefetch_row(table.second + row * stride, stride);
  }

  // The new weights of columns k .. k + lanes, and the state with them.
  HWY_INLINE FloatVec operator()(FloatVec weight, FloatVec gradient, std::size_t k) const {
    const FloatTag d;
    if constexpr (kKind == OptimizerKind::kSgd || kKind == OptimizerKind::kRowwiseAdagrad) {
      return hn::NegMulAdd(rate_, gradient, weight);
    } else if constexpr (kKind == OptimizerKind::kAdagrad) {
      const FloatVec sum = hn::MulAdd(gradient, gradient, hn::Load(d, first_ + k));
      hn::Store(sum, d, first_ + k);
      return hn::Sub(weight, hn::Div(hn::Mul(rate_, gradient), hn::Add(hn::Sqrt(sum), epsilon_)));
    } else {
      const FloatVec mean = hn::MulAdd(beta1_, hn::Load(d, first_ + k), hn::Mul(one_minus_beta1_, gradient));
      const FloatVec square =
          hn::MulAdd(beta2_, hn::Load(d, second_ + k), hn::Mul(one_minus_beta2_, hn::Mul(gradient, gradient)));
      hn::Store(mean, d, first_ + k);
      hn::Store(square, d, second_ + k);
      const FloatVec root = hn::MulAdd(hn::Sqrt(square), second_root_, epsilon_);
      return hn::Sub(weight, hn::Div(hn::Mul(rate_, mean), root));
    }
  }

 private:
  // Numbers of state for each weight.
  static constexpr int kStates = kKind == OptimizerKind::kAdam ? 2 : kKind == OptimizerKind::kAdagrad ? 1 : 0;

  FloatVec rate_, epsilon_, second_root_, beta1_, beta2_, one_minus_beta1_, one_minus_beta2_;
  float* first_ = nullptr;
  float* second_ = nullptr;
};

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
