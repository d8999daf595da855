// The optimizer on one row that a group holds in registers: state in, update rule (optimizer.hpp), state and weight
// out. The rules themselves are the ones that the CPU runs.
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/optimizer.hpp"

namespace unfold::cuda {

// One row's state. load() and update() are called by whole warps, with n_packs = 0 in groups that have no row.
template <OptimizerKind kKind, typename Element, typename Shape, LoadKind kLoad>
struct OptimizerRow {
  static constexpr bool kFirstByElement = kKind == OptimizerKind::kAdagrad || kKind == OptimizerKind::kAdam;
  static constexpr bool kSecondByElement = kKind == OptimizerKind::kAdam;

  RowSlice<Shape> first, second;
  float row_sum;        // row-wise AdaGrad
  std::uint32_t steps;  // Adam: updates of the row before this one

  __device__ inline void load(const ParameterView& table, std::uint64_t row, unsigned n_packs) {
    const bool owner = n_packs > 0 && group_lane<Shape::kWidth>() == 0;
    const std::uint64_t offset = row * table.weight.stride;
    if constexpr (kFirstByElement) first = load_row<Shape, kLoad>(table.first + offset, n_packs);
    if constexpr (kSecondByElement) second = load_row<Shape, kLoad>(table.second + offset, n_packs);
    // Lane 0 reads for its group, so that all lanes agree even while another group writes the row.
    if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
      row_sum = group_broadcast<Shape::kWidth>(owner ? cuda::load<kLoad>(table.first + row) : 0.0f);
    }
    if constexpr (kKind == OptimizerKind::kAdam) {
      steps = group_broadcast<Shape::kWidth>(owner ? cuda::load<kLoad>(table.steps + row) : 0u);
    }
  }

  // Updates `weight` in registers, then writes it, rounded with `random`, and the state.
  template <typename Random>
  __device__ inline void update(const ParameterView& table, std::uint64_t row, unsigned n_packs,
                                RowSlice<Shape>& weight, const RowSlice<Shape>& gradient, const OptimizerStep& step,
                                const Random& random) {
    const bool owner = n_packs > 0 && group_lane<Shape::kWidth>() == 0;
    const std::uint64_t offset = row * table.weight.stride;
    [[maybe_unused]] float scale = 0;
    [[maybe_unused]] AdamCorrection correction = {};
    if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
      const float squares = group_sum<Shape::kWidth>(dot_share(gradient, gradient));
      scale = rowwise_adagrad_scale(squares / static_cast<float>(table.weight.cols), row_sum, step);
      if (owner) table.first[row] = row_sum;
    }
    if constexpr (kKind == OptimizerKind::kAdam) {
      correction = adam_correction(steps + 1, step);
      if (owner) table.steps[row] = steps + 1;
    }
    UNFOLD_UNROLL
    for (int k = 0; k < Shape::kPacks; ++k) {
      UNFOLD_UNROLL
      for (int j = 0; j < Shape::kPack; ++j) {
        float& w = weight.v[k][j];
        const float g = gradient.v[k][j];
        if constexpr (kKind == OptimizerKind::kSgd) w = sgd_update(w, g, step.learning_rate);
        if constexpr (kKind == OptimizerKind::kAdagrad) w = adagrad_update(w, g, first.v[k][j], step);
        if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) w = sgd_update(w, g, scale);
        if constexpr (kKind == OptimizerKind::kAdam) {
          w = adam_update(w, g, first.v[k][j], second.v[k][j], correction, step);
        }
      }
    }
    store_row(table.weight.as<Element>().data + offset, weight, n_packs, random);
    if constexpr (kFirstByElement) store_row(table.first + offset, first, n_packs);
    if constexpr (kSecondByElement) store_row(table.second + offset, second, n_packs);
  }
};

}  // namespace unfold::cuda
