// The fast sparse update: each gradient row is applied on its own, in place, in any order. SGD adds -lr * g to the
// weights. AdaGrad adds g^2 to its sum, and what the atomic returns is the sum before, so that the rate is that of some
// order of the batch; row-wise AdaGrad likewise, once a row. Adam has no such form, nor have tables of 16 bits: their
// rows are read, updated and written.
// Shapes    table [n_table_rows, dim], rows [n_rows], gradient [n_rows, dim]
// Work      a group of 1 to 32 lanes a gradient row, each lane holding 1 to 8 packs of it
// Traffic   a gradient row reads 4 * dim + 4 bytes; SGD and row-wise add to dim floats, AdaGrad to twice as many; in
//           place, a row and its state are read and written
// Races     atomic adds lose nothing; in place, rows in flight that are equal may lose updates (Hogwild), and
//           kRowsPerUpdateInFlight bounds how many are in flight. update_rows.cuh is the exact one
// Requires  every row in range; table and gradient of one stride, aligned to 16 bytes, or float32 with dim = 1
// Source    Niu, Recht, Re and Wright, NIPS 2011; Duchi et al., JMLR 2011; Kingma and Ba, ICLR 2015
#pragma once

#include "kernels/row_optimizer.cuh"

namespace unfold::cuda {

inline constexpr unsigned kAtomicUpdateThreads = 128;

// Whether rows are updated in place; then at most one gradient row is in flight for this many rows of the table, as
// ratings are in rating_step.cuh.
template <OptimizerKind kKind, typename Element>
inline constexpr bool kUpdatesInPlace = kKind == OptimizerKind::kAdam || sizeof(Element) == 2;
inline constexpr std::uint64_t kRowsPerUpdateInFlight = 8;

// The update by one gradient row, its pieces added to the table. Called by whole warps.
template <OptimizerKind kKind, typename Shape>
__device__ inline void add_update(const ParameterView& table, std::uint64_t row, unsigned n_packs,
                                  const RowSlice<Shape>& gradient, const OptimizerStep& step) {
  const std::uint64_t offset = row * table.weight.stride;
  float scale = step.learning_rate;
  RowSlice<Shape> sum;  // AdaGrad: of squared gradients before this one
  if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
    const float squares = group_sum<Shape::kWidth>(dot_share(gradient, gradient));
    const float mean_square = squares / static_cast<float>(table.weight.cols);
    const bool owner = n_packs > 0 && group_lane<Shape::kWidth>() == 0;
    float before = owner ? atomic_fetch_add(table.first + row, mean_square) : 0.0f;
    before = group_broadcast<Shape::kWidth>(before);
    scale = rowwise_adagrad_scale(mean_square, before, step);
  }
  if constexpr (kKind == OptimizerKind::kAdagrad) {
    UNFOLD_UNROLL
    for (int k = 0; k < Shape::kPacks; ++k) {
      const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
      float squares[Shape::kPack];
      UNFOLD_UNROLL
      for (int j = 0; j < Shape::kPack; ++j) squares[j] = gradient.v[k][j] * gradient.v[k][j];
      if (pack < n_packs) atomic_fetch_add_pack(table.first + offset + pack * Shape::kPack, squares, sum.v[k]);
    }
  }
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
    if (pack >= n_packs) continue;
    float change[Shape::kPack];
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) {
      const float g = gradient.v[k][j];
      if constexpr (kKind == OptimizerKind::kAdagrad) {
        change[j] = adagrad_update(0.0f, g, sum.v[k][j], step);
      } else {
        change[j] = sgd_update(0.0f, g, scale);
      }
    }
    atomic_add_pack(table.weight.as<float>().data + offset + pack * Shape::kPack, change);
  }
}

// n_groups: gradient rows in flight; groups past it do nothing. What is rounded draws the bits of its place in the
// batch.
template <OptimizerKind kKind, typename Element, typename Shape>
__global__ void __launch_bounds__(kAtomicUpdateThreads)
    update_rows_atomic_kernel(const ParameterView table, const Row* rows, const std::uint64_t n_rows,
                              const MatrixView<const float> gradient, const OptimizerStep step,
                              const std::uint64_t n_groups) {
  constexpr LoadKind kLoad = LoadKind::kSharedCache;
  const std::uint64_t group = group_index<Shape::kWidth>();
  const unsigned row_packs = pack_count<Shape>(table.weight.cols);
  for (std::uint64_t base = 0; base < n_rows; base += n_groups) {
    const std::uint64_t n = base + group;
    const bool active = group < n_groups && n < n_rows;
    const unsigned n_packs = active ? row_packs : 0;
    const Row row = active ? rows[n] : 0;
    const RowSlice<Shape> change = load_row<Shape>(gradient.row(n), n_packs);
    if constexpr (kUpdatesInPlace<kKind, Element>) {
      RowSlice<Shape> weight = load_row<Shape, kLoad>(table.weight.as<Element>().row(row), n_packs);
      OptimizerRow<kKind, Element, Shape, kLoad> state;
      state.load(table, row, n_packs);
      state.update(table, row, n_packs, weight, change, step, n);
    } else {
      add_update<kKind>(table, row, n_packs, change, step);
    }
  }
}

}  // namespace unfold::cuda
