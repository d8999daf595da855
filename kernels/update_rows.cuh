// The deterministic update: gradients of equal rows are summed in batch order, then the optimizer is applied once a
// row. The batch comes sorted (sort_rows.cuh): one owner sums the gradients of a row, its segment (segments.cuh).
// Shapes    table [n_table_rows, dim], gradient as RowGradients says, sums [chunk_slots(n), dim in whole packs]; biases
//           the same with dim 1
// Work      a group of 1 to 32 lanes a chunk, then one a segment, each lane holding 1 to 8 packs of a row. The next
//           segment's numbers are fetched while this one's rows are on their way
// Traffic   n * (row of the gradient + 8) bytes read, weighted 8 more, or a sum a segment; rows touched * dim *
// (element
//           bytes + 4 * state) read and written; sums of chunks 8 * dim / kChunkRows a row
// Rounding  rows of 16 bits: the place is twice the row's number (rounding_bits in optimizer.hpp)
// Races     none
// Requires  n < 2^32; table and gradient of one stride, their rows aligned to 16 bytes, or dim = 1 in float32
#pragma once

#include "kernels/row_optimizer.cuh"
#include "kernels/segments.cuh"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

inline constexpr unsigned kUpdateThreads = 128;

// As UpdateRows has them.
struct BatchGradients {
  RowGradients rows = {};
  const float* bias = nullptr;  // null: no biases
  float bias_l2 = 0;
};

// A segment and its row; no positions where the segment is not there, or is that of kNoRow.
struct RowSegment {
  Positions at;
  Row row = 0;
};
__device__ inline RowSegment fetch_segment(const SortedRows& batch, std::uint64_t segment, std::uint64_t n_segments) {
  if (segment >= n_segments) return {};
  const Positions at = segment_positions(batch, segment, n_segments);
  const Row row = batch.rows[at.begin];
  if (row == kNoRow) return {};
  return {at, row};
}

// Sums the chunks of long segments, of gradients by place or weighted whose rows are of From. A slot without a chunk is
// left alone.
template <bool kWeighted, typename From, typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    sum_chunks_kernel(const SortedRows batch, const BatchGradients gradients, const ChunkSums sums) {
  const unsigned n_packs = pack_count<Shape>(gradients.rows.rows.cols);
  const RowGradients bias{.rows = MatrixView<const float>{gradients.bias, batch.n, 1, 1}};
  const bool has_bias = gradients.bias != nullptr && group_lane<Shape::kWidth>() == 0;
  const std::uint64_t n_segments = *batch.n_segments;
  const std::uint64_t n_slots = chunk_slots(batch.n);
  for (std::uint64_t slot = group_index<Shape::kWidth>(); slot < n_slots; slot += group_count<Shape::kWidth>()) {
    const Positions chunk = chunk_of_slot(batch, slot, n_segments);
    if (chunk.size() == 0 || batch.rows[chunk.begin] == kNoRow) continue;
    const RowSlice<Shape> sum =
        sum_gradients<Shape, From, kWeighted>(batch, gradients.rows, chunk.begin, chunk.size(), n_packs);
    store_row(sums.row(slot), sum, n_packs);
    if (has_bias) {
      sums.bias[slot] = sum_gradients<ScalarShape, float, false>(batch, bias, chunk.begin, chunk.size(), 1).v[0][0];
    }
  }
}

// The gradient of segment s, which is at `at`, without l2.
template <bool kByPlace, typename Element, typename Shape>
__device__ inline RowSlice<Shape> segment_gradient(const SortedRows& batch, const RowGradients& gradient,
                                                   const ChunkSums& sums, std::uint64_t s, const Positions& at,
                                                   unsigned n_packs) {
  if constexpr (kByPlace) return sum_segment<Shape, float, false>(batch, gradient, sums, at, n_packs);
  if (gradient.is_summed) return load_row<Shape>(gradient.rows.as<const float>().row(s), n_packs);
  if constexpr (sizeof(Element) != sizeof(float)) {
    if (gradient.rows.type != TableType::kFloat32) {
      return sum_segment<Shape, Element, true>(batch, gradient, sums, at, n_packs);
    }
  }
  return sum_segment<Shape, float, true>(batch, gradient, sums, at, n_packs);
}
__device__ inline RowSlice<ScalarShape> segment_bias(const SortedRows& batch, const BatchGradients& gradients,
                                                     const ChunkSums& sums, std::uint64_t s, const Positions& at,
                                                     unsigned n_packs) {
  const MatrixView<const float> bias{gradients.bias, batch.n, 1, 1};
  if (gradients.rows.is_summed) return load_row<ScalarShape>(bias.row(s), n_packs);
  return sum_segment<ScalarShape, float, false>(batch, {.rows = bias}, {sums.bias, 1, nullptr}, at, n_packs);
}

// With kByPlace gradients are by place, without weighted or summed.
template <bool kByPlace, OptimizerKind kKind, typename Element, typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    update_segments_kernel(const ParameterView table, const ParameterView bias, const SortedRows batch,
                           const BatchGradients gradients, const ChunkSums sums, const OptimizerStep any_step) {
  const OptimizerStep step = at_step(any_step);
  // With 32 columns a lane the row waits until the sum is known, else registers run out.
  constexpr bool kEarlyRow = Shape::kFloats <= 16;
  const unsigned row_packs = pack_count<Shape>(table.weight.cols);
  const bool has_bias = gradients.bias != nullptr && group_lane<Shape::kWidth>() == 0;
  const std::uint64_t n_segments = *batch.n_segments, n_groups = group_count<Shape::kWidth>();
  RowSegment next = fetch_segment(batch, group_index<Shape::kWidth>(), n_segments);
  for (std::uint64_t base = 0; base < n_segments; base += n_groups) {
    const Positions at = next.at;
    const Row row = next.row;
    const unsigned n_packs = at.size() > 0 ? row_packs : 0, n_biases = at.size() > 0 && has_bias ? 1 : 0;
    OptimizerRow<kKind, Element, Shape, LoadKind::kAnyCache> state;
    RowSlice<Shape> weight;
    if constexpr (kEarlyRow) {
      weight = load_row<Shape>(table.weight.as<const Element>().row(row), n_packs);
      state.load(table, row, n_packs);
    }
    const std::uint64_t segment = base + group_index<Shape::kWidth>();
    next = fetch_segment(batch, segment + n_groups, n_segments);
    RowSlice<Shape> sum = segment_gradient<kByPlace, Element, Shape>(batch, gradients.rows, sums, segment, at, n_packs);
    if constexpr (!kEarlyRow) {
      weight = load_row<Shape>(table.weight.as<const Element>().row(row), n_packs);
      state.load(table, row, n_packs);
    }
    if (!kByPlace && gradients.rows.l2 != 0) {
      add_weighted(sum, gradients.rows.l2 * static_cast<float>(at.size()), weight);
    }
    const RowRandom<Shape> random{step.rounding_key, 2 * std::uint64_t{row}};
    state.update(table, row, n_packs, weight, sum, step, random);

    if (gradients.bias == nullptr) continue;
    OptimizerRow<kKind, float, ScalarShape, LoadKind::kAnyCache> bias_state;
    RowSlice<ScalarShape> bias_weight = load_row<ScalarShape>(bias.weight.as<const float>().row(row), n_biases);
    bias_state.load(bias, row, n_biases);
    RowSlice<ScalarShape> bias_sum =
        segment_bias(batch, gradients, sums, segment, n_biases > 0 ? at : Positions{}, n_biases);
    if (!kByPlace && gradients.bias_l2 != 0) {
      add_weighted(bias_sum, gradients.bias_l2 * static_cast<float>(at.size()), bias_weight);
    }
    bias_state.update(bias, row, n_biases, bias_weight, bias_sum, step, RowRandom<ScalarShape>{});
  }
}

}  // namespace unfold::cuda
