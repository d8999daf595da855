// The launch of update_rows_atomic.cuh for one type of tables. Each type is compiled in a file of its own.
#pragma once

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/update_rows_atomic.cuh"

namespace unfold::cuda {

template <OptimizerKind kKind, typename Element, typename Shape>
void launch_update_atomic(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                          MatrixView<const float> gradient, const OptimizerStep& step) {
  constexpr std::uint64_t kGroupsABlock = kAtomicUpdateThreads / Shape::kWidth;
  constexpr auto kKernel = update_rows_atomic_kernel<kKind, Element, Shape>;
  std::uint64_t n_groups = std::min(n_rows, kBlocksPerProcessor * launch.n_processors * kGroupsABlock);
  if constexpr (kUpdatesInPlace<kKind, Element>) {
    n_groups = std::min(n_groups, std::max<std::uint64_t>(1, table.weight.rows / kRowsPerUpdateInFlight));
  }
  const unsigned grid = grid_size(n_groups, kGroupsABlock, n_groups);
  launch_kernel<kKernel>(launch, {grid, kAtomicUpdateThreads}, table, rows, n_rows, gradient, step, n_groups);
}

template <typename Element>
void update_rows_atomic_of(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                           MatrixView<const float> gradient, const OptimizerStep& step) {
  dispatch_optimizer(step.kind, [&](auto kind) {
    dispatch_shape<Element>(table.weight.cols, [&](auto shape) {
      launch_update_atomic<decltype(kind)::value, Element, decltype(shape)>(launch, table, rows, n_rows, gradient,
                                                                            step);
    });
  });
}

#define UNFOLD_UPDATE_ROWS_ATOMIC_OF(Element)                                                                  \
  template void update_rows_atomic_of<Element>(const Launch&, const ParameterView&, const Row*, std::uint64_t, \
                                               MatrixView<const float>, const OptimizerStep&)
extern UNFOLD_UPDATE_ROWS_ATOMIC_OF(Float16);
extern UNFOLD_UPDATE_ROWS_ATOMIC_OF(Bfloat16);

}  // namespace unfold::cuda
