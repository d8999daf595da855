// The launch of update_rows.cuh for one type of tables, on a sorted batch. Each type is compiled in a file of its own.
#pragma once

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/update_rows.cuh"

namespace unfold::cuda {

template <OptimizerKind kKind, typename Element, typename Shape>
void launch_update(const Launch& launch, const UpdateRows& op, const SortedBatch& batch, float* chunk_sums) {
  constexpr std::uint64_t kGroupsABlock = kUpdateThreads / Shape::kWidth;
  const unsigned chunk_grid = filling_grid(launch, chunk_slots(batch.n_rows), kGroupsABlock);
  launch_kernel<sum_chunks_kernel<Shape>>(launch, {chunk_grid, kUpdateThreads}, batch, op.gradient, chunk_sums);
  const unsigned grid = filling_grid(launch, std::min(batch.n_rows, op.table.weight.rows), kGroupsABlock);
  launch_kernel<update_segments_kernel<kKind, Element, Shape>>(launch, {grid, kUpdateThreads}, op.table, batch,
                                                               op.gradient, chunk_sums, op.step);
}

template <typename Element>
void update_rows_of(const Launch& launch, const UpdateRows& op, const SortedBatch& batch, float* chunk_sums) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    dispatch_shape<Element>(op.table.weight.cols, [&](auto shape) {
      launch_update<decltype(kind)::value, Element, decltype(shape)>(launch, op, batch, chunk_sums);
    });
  });
}

#define UNFOLD_UPDATE_ROWS_OF(Element) \
  template void update_rows_of<Element>(const Launch&, const UpdateRows&, const SortedBatch&, float*)
extern UNFOLD_UPDATE_ROWS_OF(Float16);
extern UNFOLD_UPDATE_ROWS_OF(Bfloat16);

}  // namespace unfold::cuda
