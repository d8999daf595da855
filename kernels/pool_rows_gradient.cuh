// The gradient of pool_rows.cuh, entry by entry: its bag and factor[n] = scale_b * weight[n], by which its row's
// gradient is one of the bag's row of out_gradient (update_rows.cuh, weighted), and weight_gradient[n] = scale_b *
// table[rows[n]] . out_gradient[b]. Shapes    table, bags as in pool_rows.cuh; bag and factor [n_entries]; out_gradient
// [n_bags, dim] and weight_gradient
//           [n_entries], or both null
// Work      a group of 1 to 32 lanes takes neighbouring entries, whatever bags they are in: it looks its first bag up
//           by binary search and walks on from there. Without gradients of weights a thread takes one entry
// Traffic   an entry writes 8 bytes, and reads dim elements and 4 * dim bytes where weights have a gradient; a bag's
//           row of out_gradient comes from memory about once
// Races     none
// Requires  as pool_rows.cuh; offsets[0] = 0 and offsets[n_bags] = n_entries; n_bags < 2^32
#pragma once

#include "kernels/pool_rows.cuh"
#include "unfold/ops/pool_rows.hpp"

namespace unfold::cuda {

template <typename Shape>
inline constexpr std::uint64_t kEntriesARun = Shape::kWidth == 1 ? 1 : 16;

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
__global__ void __launch_bounds__(kPoolThreads) pool_rows_gradient_kernel(const PoolRowsGradient op) {
  constexpr std::uint64_t kRun = kEntriesARun<Shape>;
  const RowBags& bags = op.bags;
  const MatrixView<const Element> table = op.table.template as<const Element>();
  const bool leads = group_lane<Shape::kWidth>() == 0, has_weights = op.weight_gradient != nullptr;
  const unsigned row_packs = pack_count<Shape>(table.cols);
  const std::uint64_t entries_a_pass = group_count<Shape::kWidth>() * kRun;
  for (std::uint64_t base = 0; base < bags.n_entries; base += entries_a_pass) {
    const std::uint64_t first = base + group_index<Shape::kWidth>() * kRun;
    std::uint64_t bag = first < bags.n_entries ? bag_of(bags, first) : 0;
    for (std::uint64_t n = first; n < first + kRun; ++n) {
      const bool active = n < bags.n_entries;
      const unsigned n_packs = active ? row_packs : 0;
      while (active && bags.offsets[bag + 1] <= n) ++bag;
      const float scale = active ? pool_scale(bags.mode, bags.offsets[bag + 1] - bags.offsets[bag]) : 0;
      if (active && leads) {
        op.bag[n] = static_cast<Row>(bag);
        op.factor[n] = scale * entry_weight(bags, n);
      }
      if (!has_weights) continue;
      const RowSlice<Shape> from = load_row<Shape>(op.out_gradient.row(bag), n_packs);
      const RowSlice<Shape> row = load_row<Shape>(table.row(active ? bags.rows[n] : 0), n_packs);
      const float dot = group_sum<Shape::kWidth>(dot_share(row, from));
      if (active && leads) op.weight_gradient[n] = scale * dot;
    }
  }
}

}  // namespace unfold::cuda
