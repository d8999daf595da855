// Dropout on a row that a group holds in registers.
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

// Row n of a table times 1 / (1 - dropout), or 0, for each element.
template <typename Shape>
__device__ inline void apply_dropout(RowSlice<Shape>& row, const RowTransform& transform, std::uint64_t n,
                                     unsigned n_packs) {
  static_assert(Shape::kPack % 4 == 0, "a random block serves four columns");
  constexpr int kBlocks = Shape::kPack / 4;
  const float keep = 1.0f / (1.0f - transform.dropout);
  const RandomKey key = at_step(transform.dropout_key);
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
    if (pack >= n_packs) continue;
    UNFOLD_UNROLL
    for (int b = 0; b < kBlocks; ++b) {
      const RandomBlock bits = dropout_block(key, n, pack * kBlocks + b);
      UNFOLD_UNROLL
      for (int j = 0; j < 4; ++j) {
        float& x = row.v[k][4 * b + j];
        x = uniform_float(bits.v[j]) >= transform.dropout ? x * keep : 0;
      }
    }
  }
}

}  // namespace unfold::cuda
