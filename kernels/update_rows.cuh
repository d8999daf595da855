// The deterministic update: gradients of equal rows are summed in batch order, then the optimizer is applied once a
// row. The batch comes sorted (sort_rows.cuh): one owner sums the gradients of a row, its segment. A segment longer
// than kChunkRows is cut into chunks of that length from its own start, whose sums are added in order; in large
// batches they are summed side by side first. So a row's bits depend on its own gradients and their order alone, not
// on the rest of the batch nor on the device. A row's bias goes with it.
// Shapes    table [n_table_rows, dim], gradient [n, dim] in batch order, sums [chunk_slots(n), dim in whole packs];
//           biases the same with dim 1
// Work      a group of 1 to 32 lanes a chunk, then one a segment, each lane holding 1 to 8 packs of a row. The next
//           segment's numbers are fetched while this one's rows are on their way
// Traffic   n * (4 * dim + 8) bytes read; rows touched * dim * (element bytes + 4 * state) read and written; sums of
//           chunks 8 * dim / kChunkRows a row
// Rounding  rows of 16 bits: the place is twice the row's number (rounding_bits in optimizer.hpp)
// Races     none
// Requires  n < 2^32; table and gradient of one stride, their rows aligned to 16 bytes, or dim = 1 in float32
#pragma once

#include "kernels/row_optimizer.cuh"
#include "unfold/op_arguments.hpp"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

inline constexpr unsigned kUpdateThreads = 128;
// Long enough that few rows have a second chunk, short enough that a row which fills the batch keeps the whole
// device busy, and that adding its chunk sums takes about as long as summing a chunk.
inline constexpr std::uint64_t kChunkRows = 256;

// Where the sum of a long segment's chunk goes. Among kChunkRows neighbouring positions at most one chunk starts
// that is its segment's first (it reaches past them), and at most one that is not (such starts are kChunkRows
// apart in a segment, and the segment reaches past the position where a second one could begin).
UNFOLD_HOST_DEVICE inline std::uint64_t chunk_slot(std::uint64_t position, bool is_first) {
  return 2 * (position / kChunkRows) + (is_first ? 1 : 0);
}
UNFOLD_HOST_DEVICE inline std::uint64_t chunk_slots(std::uint64_t n_rows) {
  return 2 * ((n_rows + kChunkRows - 1) / kChunkRows);
}

// Of a batch, in its order.
struct RowGradients {
  MatrixView<const float> rows = {};
  const float* bias = nullptr;  // null: no biases
};

// Of chunks of long segments, by slot. Without memory: nobody has summed them.
struct ChunkSums {
  float* rows = nullptr;  // [slots, stride]
  std::uint64_t stride = 0;
  float* bias = nullptr;  // [slots]
};

struct Positions {
  std::uint64_t begin = 0, end = 0;
  __device__ inline std::uint64_t size() const { return end - begin; }
};

__device__ inline Positions segment_positions(const SortedRows& batch, std::uint64_t segment,
                                              std::uint64_t n_segments) {
  return {batch.starts[segment], segment + 1 < n_segments ? batch.starts[segment + 1] : batch.n};
}

// The segment that contains a position.
__device__ inline std::uint64_t segment_at(const SortedRows& batch, std::uint64_t position, std::uint64_t n_segments) {
  std::uint64_t low = 0, high = n_segments;  // starts[low] <= position < starts[high]
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (batch.starts[middle] <= position) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// The chunk that owns a slot, or no positions.
__device__ inline Positions chunk_of_slot(const SortedRows& batch, std::uint64_t slot, std::uint64_t n_segments) {
  const bool is_first = slot % 2 == 1;
  const std::uint64_t window = slot / 2 * kChunkRows;
  const std::uint64_t window_end = window + kChunkRows < batch.n ? window + kChunkRows : batch.n;
  const Positions segment =
      segment_positions(batch, segment_at(batch, is_first ? window_end - 1 : window, n_segments), n_segments);
  if (segment.size() <= kChunkRows) return {};
  if (is_first) {
    if (segment.begin < window) return {};
    return {segment.begin, segment.begin + kChunkRows};
  }
  if (segment.begin >= window) return {};
  const std::uint64_t chunk = (window - segment.begin + kChunkRows - 1) / kChunkRows;
  const std::uint64_t begin = segment.begin + chunk * kChunkRows;
  if (begin >= segment.end) return {};
  return {begin, begin + kChunkRows < segment.end ? begin + kChunkRows : segment.end};
}

// The sum of count rows in order, several loads in flight. row_at(k) is the address of the k-th.
template <typename Shape, typename RowAt>
__device__ inline RowSlice<Shape> sum_rows(std::uint64_t count, unsigned n_packs, RowAt row_at) {
  constexpr int kInFlight = Shape::kFloats <= 4 ? 8 : 32 / Shape::kFloats;
  RowSlice<Shape> sum = {};
  for (std::uint64_t first = 0; first < count; first += kInFlight) {
    RowSlice<Shape> rows[kInFlight];
    UNFOLD_UNROLL
    for (int k = 0; k < kInFlight; ++k) {
      const bool is_row = first + k < count;
      rows[k] = load_row<Shape>(is_row ? row_at(first + k) : nullptr, is_row ? n_packs : 0);
    }
    UNFOLD_UNROLL
    for (int k = 0; k < kInFlight; ++k) add_to(sum, rows[k]);
  }
  return sum;
}

// The sum of the gradients at the batch's positions begin .. begin + count.
template <typename Shape>
__device__ inline RowSlice<Shape> sum_gradients(const SortedRows& batch, const MatrixView<const float>& gradient,
                                                std::uint64_t begin, std::uint64_t count, unsigned n_packs) {
  return sum_rows<Shape>(count, n_packs, [&](std::uint64_t k) { return gradient.row(batch.order[begin + k]); });
}

template <typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    sum_chunks_kernel(const SortedRows batch, const RowGradients gradients, const ChunkSums sums) {
  const unsigned n_packs = pack_count<Shape>(gradients.rows.cols);
  const MatrixView<const float> bias{gradients.bias, batch.n, 1, 1};
  const bool has_bias = gradients.bias != nullptr && group_lane<Shape::kWidth>() == 0;
  const std::uint64_t n_segments = *batch.n_segments;
  const std::uint64_t n_slots = chunk_slots(batch.n);
  for (std::uint64_t slot = group_index<Shape::kWidth>(); slot < n_slots; slot += group_count<Shape::kWidth>()) {
    const Positions chunk = chunk_of_slot(batch, slot, n_segments);
    if (chunk.size() == 0) continue;
    store_row(sums.rows + slot * sums.stride,
              sum_gradients<Shape>(batch, gradients.rows, chunk.begin, chunk.size(), n_packs), n_packs);
    if (has_bias) sums.bias[slot] = sum_gradients<ScalarShape>(batch, bias, chunk.begin, chunk.size(), 1).v[0][0];
  }
}

// Whether the owner of a long segment may sum its chunks one after another: where two sums fit in registers.
template <typename Shape>
inline constexpr bool kSumsOwnChunks = Shape::kFloats < 16;

// The gradient of a segment: its chunks in order, from `chunk_sums` [slots, stride] where they have been summed.
template <typename Shape>
__device__ inline RowSlice<Shape> sum_segment(const SortedRows& batch, const MatrixView<const float>& gradient,
                                              const float* chunk_sums, std::uint64_t stride, const Positions& at,
                                              unsigned n_packs) {
  const std::uint64_t n_chunks = (at.size() + kChunkRows - 1) / kChunkRows;
  const auto chunk = [&](std::uint64_t k) {
    return chunk_sums + chunk_slot(at.begin + k * kChunkRows, k == 0) * stride;
  };
  if constexpr (!kSumsOwnChunks<Shape>) {
    const bool is_long = n_chunks > 1;
    return sum_rows<Shape>(is_long ? n_chunks : at.size(), n_packs, [&](std::uint64_t k) -> const float* {
      return is_long ? chunk(k) : gradient.row(batch.order[at.begin + k]);
    });
  } else {
    if (chunk_sums != nullptr && n_chunks > 1) return sum_rows<Shape>(n_chunks, n_packs, chunk);
    RowSlice<Shape> sum = {};
    for (std::uint64_t begin = at.begin; begin < at.end; begin += kChunkRows) {
      const std::uint64_t count = begin + kChunkRows < at.end ? kChunkRows : at.end - begin;
      add_to(sum, sum_gradients<Shape>(batch, gradient, begin, count, n_packs));
    }
    return sum;
  }
}

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

template <OptimizerKind kKind, typename Element, typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    update_segments_kernel(const ParameterView table, const ParameterView bias, const SortedRows batch,
                           const RowGradients gradients, const ChunkSums sums, const OptimizerStep any_step) {
  const OptimizerStep step = at_step(any_step);
  // With 32 columns a lane the row waits until the sum is known, else registers run out.
  constexpr bool kEarlyRow = Shape::kFloats <= 16;
  const unsigned row_packs = pack_count<Shape>(table.weight.cols);
  const bool has_bias = gradients.bias != nullptr && group_lane<Shape::kWidth>() == 0;
  const MatrixView<const float> bias_gradient{gradients.bias, batch.n, 1, 1};
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
    next = fetch_segment(batch, base + n_groups + group_index<Shape::kWidth>(), n_segments);
    const RowSlice<Shape> sum = sum_segment<Shape>(batch, gradients.rows, sums.rows, sums.stride, at, n_packs);
    if constexpr (!kEarlyRow) {
      weight = load_row<Shape>(table.weight.as<const Element>().row(row), n_packs);
      state.load(table, row, n_packs);
    }
    const RowRandom<Shape> random{step.rounding_key, 2 * std::uint64_t{row}};
    state.update(table, row, n_packs, weight, sum, step, random);

    if (gradients.bias == nullptr) continue;
    OptimizerRow<kKind, float, ScalarShape, LoadKind::kAnyCache> bias_state;
    RowSlice<ScalarShape> bias_weight = load_row<ScalarShape>(bias.weight.as<const float>().row(row), n_biases);
    bias_state.load(bias, row, n_biases);
    const RowSlice<ScalarShape> bias_sum =
        sum_segment<ScalarShape>(batch, bias_gradient, sums.bias, 1, n_biases > 0 ? at : Positions{}, n_biases);
    bias_state.update(bias, row, n_biases, bias_weight, bias_sum, step, RowRandom<ScalarShape>{});
  }
}

}  // namespace unfold::cuda
