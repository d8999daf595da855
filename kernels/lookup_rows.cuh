// Rows of a table by number, as float32: out[n] = table[rows[n]], columns past table.cols zeroed; or made vectors by
// dropout and division by the length; and numbers of the rows.
// Shapes    table [n_table_rows, cols], rows [n_rows], out [n_rows, cols] with a stride of its own, scale [n_rows]
// Work      lookup_rows: a group of 1 to 32 lanes takes kLookupRowsInFlight rows at a time and strides over their
//           columns; look_up_vectors: a group of 4 to 32 lanes a row, which it holds in registers
// Traffic   a row reads element bytes * cols + 4 bytes and writes 4 * out.stride; a number reads and writes 4
// Races     none
// Requires  every row in range; with kPack > 1, both strides a multiple of it, the table aligned to kPack elements and
//           `out` to 16 bytes
// Source    Srivastava et al., Dropout, JMLR 2014; softmax_arguments.hpp has which bits belong to an element
#pragma once

#include "kernels/dropout.cuh"
#include "unfold/ops/lookup_rows.hpp"

namespace unfold::cuda {

inline constexpr unsigned kLookupThreads = 256;
inline constexpr int kLookupRowsInFlight = 4;

template <int kWidth, int kPack, typename Element>
__global__ void __launch_bounds__(kLookupThreads)
    lookup_rows_kernel(const MatrixView<const Element> table, const Row* rows, const std::uint64_t n_rows,
                       const MatrixView<float> out) {
  constexpr int kRows = kLookupRowsInFlight;
  const unsigned table_packs = (table.cols + kPack - 1) / kPack;
  const unsigned out_packs = out.stride / kPack;
  const std::uint64_t rows_a_pass = group_count<kWidth>() * kRows;
  for (std::uint64_t first = group_index<kWidth>() * kRows; first < n_rows; first += rows_a_pass) {
    const Element* source[kRows];
    UNFOLD_UNROLL
    for (int k = 0; k < kRows; ++k) source[k] = first + k < n_rows ? table.row(rows[first + k]) : nullptr;
    for (unsigned pack = group_lane<kWidth>(); pack < out_packs; pack += kWidth) {
      float value[kRows][kPack] = {};
      UNFOLD_UNROLL
      for (int k = 0; k < kRows; ++k) {
        if (source[k] != nullptr && pack < table_packs) load_pack<kPack>(source[k] + pack * kPack, value[k]);
      }
      UNFOLD_UNROLL
      for (int k = 0; k < kRows; ++k) {
        if (source[k] != nullptr) store_pack<kPack>(out.row(first + k) + pack * kPack, value[k]);
      }
    }
  }
}

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kLookupThreads) look_up_vectors_kernel(const LookupRows op) {
  const MatrixView<const Element> table = op.table.as<const Element>();
  const unsigned row_packs = pack_count<Shape>(table.cols), out_packs = op.out.stride / Shape::kPack;
  const std::uint64_t n_groups = group_count<Shape::kWidth>();
  const unsigned lane = group_lane<Shape::kWidth>();
  for (std::uint64_t base = 0; base < op.n_rows; base += n_groups) {
    const std::uint64_t n = base + group_index<Shape::kWidth>();
    const bool active = n < op.n_rows;
    const unsigned n_packs = active ? row_packs : 0;
    const Row number = active ? op.rows[n] : 0;
    RowSlice<Shape> row = load_row<Shape>(table.row(number), n_packs);
    if (op.transform.dropout > 0) apply_dropout(row, op.transform, n, n_packs);
    float factor = 1;
    if (op.transform.normalize) {
      factor = inverse_length(group_sum<Shape::kWidth>(dot_share(row, row)));
      row = scaled(factor, row);
    }
    if (!active) continue;
    store_row(op.out.row(n), row, n_packs);
    const float zeros[Shape::kPack] = {};
    for (unsigned pack = row_packs + lane; pack < out_packs; pack += Shape::kWidth) {
      store_pack<Shape::kPack>(op.out.row(n) + pack * Shape::kPack, zeros);
    }
    if (lane == 0 && op.scale != nullptr) op.scale[n] = factor;
    for (unsigned k = 0; k < 2; ++k) {
      if (lane == k && op.numbers[k].table != nullptr) op.numbers[k].out[n] = op.numbers[k].table[number];
    }
  }
}

}  // namespace unfold::cuda
