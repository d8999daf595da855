// Bags of rows pooled into one row each: out[b] = scale_b * sum of weight[n] * table[rows[n]] over the bag's entries
// n, in their order, with scale_b = 1 / (entries of the bag) for a mean and 1 for a sum.
// Shapes    table [n_table_rows, dim], bags.rows and weights [n_entries], offsets [n_bags + 1], out [n_bags, dim]
// Work      a group of 1 to 32 lanes a bag, each lane holding up to 32 columns of the sum and as many of rows in flight
// Traffic   an entry reads dim elements and 4 to 8 bytes, a bag writes 4 * dim + 8 bytes
// Races     none
// Requires  every row in range; one stride, rows of 16-byte multiples aligned to 16, or float32 with dim = stride = 1
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

inline constexpr unsigned kPoolThreads = 128;

__device__ inline float entry_weight(const RowBags& bags, std::uint64_t n) {
  return bags.weights == nullptr ? 1.0f : bags.weights[n];
}

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kPoolThreads, 4)
    pool_rows_kernel(const MatrixView<const Element> table, const RowBags bags, const MatrixView<float> out) {
  constexpr int kInFlight = Shape::kFloats >= 32 ? 1 : Shape::kFloats < 4 ? 8 : 32 / Shape::kFloats;
  const unsigned row_packs = pack_count<Shape>(table.cols);
  for (std::uint64_t bag = group_index<Shape::kWidth>(); bag < bags.n_bags; bag += group_count<Shape::kWidth>()) {
    const std::uint64_t begin = bags.offsets[bag], end = bags.offsets[bag + 1];
    RowSlice<Shape> sum = {};
    UNFOLD_UNROLL_BY(1)
    for (std::uint64_t first = begin; first < end; first += kInFlight) {
      RowSlice<Shape> rows[kInFlight];
      float weights[kInFlight];
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const bool is_entry = first + k < end;
        weights[k] = is_entry ? entry_weight(bags, first + k) : 0;
        rows[k] = load_row<Shape>(is_entry ? table.row(bags.rows[first + k]) : nullptr, is_entry ? row_packs : 0);
      }
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) add_weighted(sum, weights[k], rows[k]);
    }
    store_row(out.row(bag), scaled(pool_scale(bags.mode, end - begin), sum), row_packs);
    const unsigned stride_packs = out.stride / Shape::kPack;
    for (unsigned pack = row_packs + group_lane<Shape::kWidth>(); pack < stride_packs; pack += Shape::kWidth) {
      store_pack<Shape::kPack>(out.row(bag) + pack * Shape::kPack, {});
    }
  }
}

}  // namespace unfold::cuda
