// The gradient of pool_rows.cuh, entry by entry: row_gradient[n] = scale_b * weight[n] * out_gradient[b] for the bag b
// of entry n, and weight_gradient[n] = scale_b * table[rows[n]] . out_gradient[b].
// Shapes    table, bags as in pool_rows.cuh; out_gradient [n_bags, dim], row_gradient [n_entries, dim],
//           weight_gradient [n_entries] or null
// Work      a group of 1 to 32 lanes takes kEntriesARun neighbouring entries, whatever bags they are in: it looks its
//           first bag up by binary search and walks on from there
// Traffic   an entry writes 4 * dim bytes, and reads dim elements and 4 * dim bytes where weights have a gradient; a
//           bag's row of out_gradient comes from memory about once
// Races     none
// Requires  as pool_rows.cuh; offsets[0] = 0 and offsets[n_bags] = n_entries
#pragma once

#include "kernels/pool_rows.cuh"

namespace unfold::cuda {

inline constexpr std::uint64_t kEntriesARun = 16;

// The bag of entry n: the last that begins at or before it.
__device__ inline std::uint64_t bag_of(const RowBags& bags, std::uint64_t n) {
  std::uint64_t low = 0, high = bags.n_bags;  // offsets[low] <= n < offsets[high]
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (bags.offsets[middle] <= n) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kPoolThreads)
    pool_rows_gradient_kernel(const MatrixView<const Element> table, const RowBags bags,
                              const MatrixView<const float> out_gradient, const MatrixView<float> row_gradient,
                              float* weight_gradient) {
  const unsigned row_packs = pack_count<Shape>(table.cols);
  const std::uint64_t entries_a_pass = group_count<Shape::kWidth>() * kEntriesARun;
  for (std::uint64_t base = 0; base < bags.n_entries; base += entries_a_pass) {
    const std::uint64_t first = base + group_index<Shape::kWidth>() * kEntriesARun;
    std::uint64_t bag = first < bags.n_entries ? bag_of(bags, first) : 0;
    for (std::uint64_t n = first; n < first + kEntriesARun; ++n) {
      const bool active = n < bags.n_entries;
      const unsigned n_packs = active ? row_packs : 0;
      while (active && bags.offsets[bag + 1] <= n) ++bag;
      const float scale = active ? pool_scale(bags.mode, bags.offsets[bag + 1] - bags.offsets[bag]) : 0;
      const float factor = active ? scale * entry_weight(bags, n) : 0;
      const RowSlice<Shape> from = load_row<Shape>(out_gradient.row(bag), n_packs);
      store_row(row_gradient.row(n), scaled(factor, from), n_packs);
      if (weight_gradient == nullptr) continue;
      const RowSlice<Shape> row = load_row<Shape>(table.row(active ? bags.rows[n] : 0), n_packs);
      const float dot = group_sum<Shape::kWidth>(dot_share(row, from));
      if (active && group_lane<Shape::kWidth>() == 0) weight_gradient[n] = scale * dot;
    }
  }
}

}  // namespace unfold::cuda
