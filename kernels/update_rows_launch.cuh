// The launch of update_rows.cuh for one type of tables, on a sorted batch. Each type is compiled in a file of its own.
#pragma once

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/update_rows.cuh"

namespace unfold::cuda {

// Sums the chunks of long segments, by kernels for the gradients' type and shape alone.
void sum_chunks(const Launch& launch, const SortedRows& batch, const BatchGradients& gradients, const ChunkSums& sums);

// Whether chunks of long segments are summed in a launch of their own. Without it the owner of a segment sums them one
// after another, to the same bits: that is for short batches of many rows, of which hardly any can be long.
inline bool sums_chunks_apart(std::uint64_t n, std::uint64_t n_table_rows) {
  constexpr std::uint64_t kShortBatch = 4096, kMostARow = 16;
  return n > kShortBatch || n / kMostARow > n_table_rows;
}

inline bool is_by_place(const UpdateRows& op) { return !op.gradient.is_weighted() && !op.gradient.is_summed; }

template <bool kByPlace, OptimizerKind kKind, typename Element, typename Shape>
void launch_update(const Launch& launch, const UpdateRows& op, ChunkSums sums) {
  constexpr std::uint64_t kGroupsABlock = kUpdateThreads / Shape::kWidth;
  const BatchGradients gradients{op.gradient, op.bias_gradient, op.bias_l2};
  const bool has_chunks = op.sorted.n > kChunkRows && !op.gradient.is_summed;
  if (has_chunks && (!kSumsOwnChunks<Shape> || sums_chunks_apart(op.sorted.n, op.table.weight.rows))) {
    BatchGradients padded = gradients;  // with the zeros that fill up the last pack
    padded.rows.rows.cols = (op.gradient.rows.cols + Shape::kPack - 1) / Shape::kPack * Shape::kPack;
    sum_chunks(launch, op.sorted, padded, sums);
  } else if (kSumsOwnChunks<Shape>) {
    sums = {};
  }
  const unsigned grid = filling_grid(launch, std::min(op.sorted.n, op.table.weight.rows), kGroupsABlock);
  launch_kernel<update_segments_kernel<kByPlace, kKind, Element, Shape>>(launch, {grid, kUpdateThreads}, op.table,
                                                                         op.bias, op.sorted, gradients, sums, op.step);
}

template <typename Element>
void update_rows_of(const Launch& launch, const UpdateRows& op, const ChunkSums& sums) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    constexpr OptimizerKind kKind = decltype(kind)::value;
    // The defaults of mf and softmax.
    constexpr bool kIsDefault = kKind == OptimizerKind::kSgd || kKind == OptimizerKind::kAdam;
    const std::uint32_t cols = op.table.weight.cols;
    if (is_by_place(op)) {
      constexpr ShapeSet kShapes = kIsDefault ? ShapeSet::kAll : ShapeSet::kFew;
      return dispatch_shape<Element, kShapes>(
          cols, [&](auto shape) { launch_update<true, kKind, Element, decltype(shape)>(launch, op, sums); });
    }
    dispatch_shape<Element, ShapeSet::kLeast>(
        cols, [&](auto shape) { launch_update<false, kKind, Element, decltype(shape)>(launch, op, sums); });
  });
}

#define UNFOLD_UPDATE_ROWS_OF(Element) \
  template void update_rows_of<Element>(const Launch&, const UpdateRows&, const ChunkSums&)
extern UNFOLD_UPDATE_ROWS_OF(Float16);
extern UNFOLD_UPDATE_ROWS_OF(Bfloat16);

}  // namespace unfold::cuda
