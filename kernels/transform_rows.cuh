// Looked-up rows made the vectors that are scored, in place: dropout, then division by the length; and the gradient.
// Shapes    rows, vectors and gradient [n, cols], scale [n] or null
// Work      a group of 4 to 32 lanes a row, which it holds in registers; a block of four random numbers a pack
// Traffic   a row reads and writes 4 * cols and 4 bytes; its gradient reads 8 * cols + 4 and writes 4 * cols bytes
// Races     none
// Requires  rows aligned to 16 bytes, zero past cols
// Source    Srivastava et al., Dropout, JMLR 2014; softmax_arguments.hpp has which bits belong to an element
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

inline constexpr unsigned kTransformThreads = 256;

// Row n times 1 / (1 - dropout), or 0, for each element.
template <typename Shape>
__device__ inline void apply_dropout(RowSlice<Shape>& row, const RowTransform& transform, std::uint64_t n,
                                     unsigned n_packs) {
  static_assert(Shape::kPack == 4, "a random block serves a pack");
  const float keep = 1.0f / (1.0f - transform.dropout);
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
    if (pack >= n_packs) continue;
    const RandomBlock bits = dropout_block(transform.dropout_key, n, pack);
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) row.v[k][j] = uniform_float(bits.v[j]) >= transform.dropout ? row.v[k][j] * keep : 0;
  }
}

template <typename Shape>
__global__ void __launch_bounds__(kTransformThreads)
    transform_rows_kernel(const RowTransform transform, const MatrixView<float> rows, float* scale) {
  const unsigned row_packs = pack_count<Shape>(rows.cols);
  const std::uint64_t n_groups = group_count<Shape::kWidth>();
  for (std::uint64_t base = 0; base < rows.rows; base += n_groups) {
    const std::uint64_t n = base + group_index<Shape::kWidth>();
    const bool active = n < rows.rows;
    const unsigned n_packs = active ? row_packs : 0;
    RowSlice<Shape> row = load_row<Shape>(rows.row(n), n_packs);
    if (transform.dropout > 0) apply_dropout(row, transform, n, n_packs);
    float factor = 1;
    if (transform.normalize) {
      factor = inverse_length(group_sum<Shape::kWidth>(dot_share(row, row)));
      row = scaled(factor, row);
    }
    store_row(rows.row(n), row, n_packs);
    if (active && scale != nullptr && group_lane<Shape::kWidth>() == 0) scale[n] = factor;
  }
}

template <typename Shape>
__global__ void __launch_bounds__(kTransformThreads)
    transform_rows_gradient_kernel(const RowTransform transform, const MatrixView<const float> vectors,
                                   const float* scale, const MatrixView<float> gradient) {
  const unsigned row_packs = pack_count<Shape>(gradient.cols);
  const std::uint64_t n_groups = group_count<Shape::kWidth>();
  for (std::uint64_t base = 0; base < gradient.rows; base += n_groups) {
    const std::uint64_t n = base + group_index<Shape::kWidth>();
    const bool active = n < gradient.rows;
    const unsigned n_packs = active ? row_packs : 0;
    RowSlice<Shape> row = load_row<Shape>(gradient.row(n), n_packs);
    if (transform.normalize) {
      const RowSlice<Shape> vector = load_row<Shape>(vectors.row(n), n_packs);
      const float factor = active ? scale[n] : 0;
      const float along = group_sum<Shape::kWidth>(dot_share(row, vector));
      row = scaled(factor, combine(1.0f, row, -along, vector));
    } else if (transform.l2 > 0) {
      row = combine(1.0f, row, transform.l2, load_row<Shape>(vectors.row(n), n_packs));
    }
    if (transform.dropout > 0) apply_dropout(row, transform, n, n_packs);
    store_row(gradient.row(n), row, n_packs);
  }
}

}  // namespace unfold::cuda
