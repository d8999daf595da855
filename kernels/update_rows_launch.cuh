// The launch of update_rows.cuh for one type of tables, on a sorted batch. Each type is compiled in a file of its own.
#pragma once

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/update_rows.cuh"

namespace unfold::cuda {

// Whether chunks of long segments are summed in a launch of their own. Without it the owner of a segment sums them one
// after another, to the same bits: that is for short batches of many rows, of which hardly any can be long.
inline bool sums_chunks_apart(std::uint64_t n, std::uint64_t n_table_rows) {
  constexpr std::uint64_t kShortBatch = 4096, kMostARow = 16;
  return n > kShortBatch || n / kMostARow > n_table_rows;
}

template <OptimizerKind kKind, typename Element, typename Shape>
void launch_update(const Launch& launch, const UpdateRows& op, ChunkSums sums) {
  constexpr std::uint64_t kGroupsABlock = kUpdateThreads / Shape::kWidth;
  const RowGradients gradients{op.gradient, op.bias_gradient};
  if (op.sorted.n > kChunkRows && (!kSumsOwnChunks<Shape> || sums_chunks_apart(op.sorted.n, op.table.weight.rows))) {
    const unsigned chunk_grid = filling_grid(launch, chunk_slots(op.sorted.n), kGroupsABlock);
    launch_kernel<sum_chunks_kernel<Shape>>(launch, {chunk_grid, kUpdateThreads}, op.sorted, gradients, sums);
  } else if (kSumsOwnChunks<Shape>) {
    sums = {};
  }
  const unsigned grid = filling_grid(launch, std::min(op.sorted.n, op.table.weight.rows), kGroupsABlock);
  launch_kernel<update_segments_kernel<kKind, Element, Shape>>(launch, {grid, kUpdateThreads}, op.table, op.bias,
                                                               op.sorted, gradients, sums, op.step);
}

template <typename Element>
void update_rows_of(const Launch& launch, const UpdateRows& op, const ChunkSums& sums) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    dispatch_shape<Element>(op.table.weight.cols, [&](auto shape) {
      launch_update<decltype(kind)::value, Element, decltype(shape)>(launch, op, sums);
    });
  });
}

#define UNFOLD_UPDATE_ROWS_OF(Element) \
  template void update_rows_of<Element>(const Launch&, const UpdateRows&, const ChunkSums&)
extern UNFOLD_UPDATE_ROWS_OF(Float16);
extern UNFOLD_UPDATE_ROWS_OF(Bfloat16);

}  // namespace unfold::cuda
