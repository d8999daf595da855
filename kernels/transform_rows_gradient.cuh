// The gradient by looked-up rows, given that by the vectors made of them (look_up_vectors_kernel), in place.
// Shapes    vectors and gradient [n, cols], scale [n]
// Work      a group of 4 to 32 lanes a row, which it holds in registers; a block of four random numbers a pack
// Traffic   a row reads 8 * cols + 4 and writes 4 * cols bytes
// Races     none
// Requires  rows aligned to 16 bytes, zero past cols
// Source    Srivastava et al., Dropout, JMLR 2014; softmax_arguments.hpp has which bits belong to an element
#pragma once

#include "kernels/dropout.cuh"
#include "kernels/row_slice.cuh"

namespace unfold::cuda {

inline constexpr unsigned kTransformThreads = 256;

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
