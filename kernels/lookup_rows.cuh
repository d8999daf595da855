// Rows of a table by number, as float32: out[n] = table[rows[n]], columns past table.cols zeroed.
// Shapes    table [n_table_rows, cols], rows [n_rows], out [n_rows, cols] with a stride of its own
// Work      a group of 4 to 32 lanes takes kRowsInFlight rows at a time and strides over their columns
// Traffic   a row reads element bytes * cols + 4 bytes and writes 4 * out.stride
// Races     none
// Requires  every row in range; with kPack > 1, both strides a multiple of it, the table aligned to kPack elements and
//           `out` to 16 bytes
#pragma once

#include "kernels/simt.cuh"

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

}  // namespace unfold::cuda
