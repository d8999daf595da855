// One optimizer's update of a table with one column, such as a bias.
#pragma once

#include "unfold/optimizer.hpp"

namespace unfold::cpu {

template <OptimizerKind kKind>
inline void update_scalar(const ParameterView& table, std::uint64_t row, float gradient, const OptimizerStep& step) {
  const std::uint64_t at = row * table.weight.stride;
  float& weight = table.weight.as<float>().data[at];
  if constexpr (kKind == OptimizerKind::kSgd) {
    weight = sgd_update(weight, gradient, step.learning_rate);
  } else if constexpr (kKind == OptimizerKind::kAdagrad) {
    weight = adagrad_update(weight, gradient, table.first[at], step);
  } else if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
    weight -= rowwise_adagrad_scale(gradient * gradient, table.first[row], step) * gradient;
  } else {
    const AdamCorrection correction = adam_correction(++table.steps[row], step);
    weight = adam_update(weight, gradient, table.first[at], table.second[at], correction, step);
  }
}

// Calls `f` with the kind as a compile-time constant.
template <typename F>
inline void with_optimizer(OptimizerKind kind, F&& f) {
  switch (kind) {
    case OptimizerKind::kSgd:
      return f.template operator()<OptimizerKind::kSgd>();
    case OptimizerKind::kAdagrad:
      return f.template operator()<OptimizerKind::kAdagrad>();
    case OptimizerKind::kRowwiseAdagrad:
      return f.template operator()<OptimizerKind::kRowwiseAdagrad>();
    case OptimizerKind::kAdam:
      return f.template operator()<OptimizerKind::kAdam>();
  }
}

}  // namespace unfold::cpu
