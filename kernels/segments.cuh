// The segments of a sorted batch (sort_rows.cuh) in kernels: where they are, what their gradients add up to, and how
// long ones are cut. A segment longer than kChunkRows is cut into chunks of that length from its own start, whose sums
// are added in order; in large batches they are summed side by side first. So a row's bits depend on its own gradients
// and their order alone, not on the rest of the batch nor on the device.
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

// Long enough that few rows have a second chunk, short enough that a row which fills the batch keeps the whole device
// busy, and that adding its chunk sums takes about as long as summing a chunk.
inline constexpr std::uint64_t kChunkRows = 128;

// Where the sum of a long segment's chunk goes. Among kChunkRows neighbouring positions at most one chunk starts
// that is its segment's first (it reaches past them), and at most one that is not (such starts are kChunkRows
// apart in a segment, and the segment reaches past the position where a second one could begin).
UNFOLD_HOST_DEVICE inline std::uint64_t chunk_slot(std::uint64_t position, bool is_first) {
  return 2 * (position / kChunkRows) + (is_first ? 1 : 0);
}
UNFOLD_HOST_DEVICE inline std::uint64_t chunk_slots(std::uint64_t n_rows) {
  return 2 * ((n_rows + kChunkRows - 1) / kChunkRows);
}

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

// Of chunks of long segments, by slot. Without memory: nobody has summed them.
struct ChunkSums {
  float* rows = nullptr;  // [slots, stride]
  std::uint64_t stride = 0;
  float* bias = nullptr;  // [slots]

  __device__ inline float* row(std::uint64_t slot) const { return rows + slot * stride; }
};

// Rows that a lane has in flight where it holds one more in sum.
template <typename Shape>
inline constexpr int kSummedInFlight = Shape::kFloats <= 4 ? 8 : 32 / Shape::kFloats;

// The sum of count rows in order, several loads in flight. row_at(k) is the address of the k-th; with kWeighted it
// counts weight_at(k) times.
template <typename Shape, bool kWeighted, typename RowAt, typename WeightAt>
__device__ inline RowSlice<Shape> sum_rows(std::uint64_t count, unsigned n_packs, RowAt row_at, WeightAt weight_at) {
  constexpr int kInFlight = kSummedInFlight<Shape>;
  RowSlice<Shape> sum = {};
  for (std::uint64_t first = 0; first < count; first += kInFlight) {
    RowSlice<Shape> rows[kInFlight];
    float weights[kWeighted ? kInFlight : 1];
    UNFOLD_UNROLL
    for (int k = 0; k < kInFlight; ++k) {
      const bool is_row = first + k < count;
      rows[k] = load_row<Shape>(is_row ? row_at(first + k) : nullptr, is_row ? n_packs : 0);
      if constexpr (kWeighted) weights[k] = is_row ? weight_at(first + k) : 0;
    }
    UNFOLD_UNROLL
    for (int k = 0; k < kInFlight; ++k) {
      if constexpr (kWeighted) {
        add_weighted(sum, weights[k], rows[k]);
      } else {
        add_to(sum, rows[k]);
      }
    }
  }
  return sum;
}

// The sum of the gradients at the batch's positions begin .. begin + count: by place, or with kWeighted weighted. Their
// rows are of From.
template <typename Shape, typename From, bool kWeighted>
__device__ inline RowSlice<Shape> sum_gradients(const SortedRows& batch, const RowGradients& gradient,
                                                std::uint64_t begin, std::uint64_t count, unsigned n_packs) {
  const MatrixView<const From> rows = gradient.rows.as<const From>();
  return sum_rows<Shape, kWeighted>(
      count, n_packs,
      [&](std::uint64_t k) {
        const std::uint32_t place = batch.order[begin + k];
        return rows.row(kWeighted ? gradient.source[place] : place);
      },
      [&](std::uint64_t k) { return gradient.scale[batch.order[begin + k]]; });
}

// Whether the owner of a long segment may sum its chunks one after another: where two sums fit in registers.
template <typename Shape>
inline constexpr bool kSumsOwnChunks = Shape::kFloats < 16;

// The chunk sums of a long segment, in order.
template <typename Shape>
__device__ inline RowSlice<Shape> sum_chunk_sums(const ChunkSums& sums, const Positions& at, unsigned n_packs) {
  return sum_rows<Shape, false>(
      (at.size() + kChunkRows - 1) / kChunkRows, n_packs,
      [&](std::uint64_t k) -> const float* { return sums.row(chunk_slot(at.begin + k * kChunkRows, k == 0)); },
      [](std::uint64_t) { return 1.0f; });
}

// The gradient of the segment at `at`, by place or weighted.
template <typename Shape, typename From, bool kWeighted>
__device__ inline RowSlice<Shape> sum_segment(const SortedRows& batch, const RowGradients& gradient,
                                              const ChunkSums& sums, const Positions& at, unsigned n_packs) {
  const bool has_sums = sums.rows != nullptr || !kSumsOwnChunks<Shape>;
  if (has_sums && at.size() > kChunkRows) return sum_chunk_sums<Shape>(sums, at, n_packs);
  if constexpr (!kSumsOwnChunks<Shape>)
    return sum_gradients<Shape, From, kWeighted>(batch, gradient, at.begin, at.size(), n_packs);
  RowSlice<Shape> sum = {};
  for (std::uint64_t begin = at.begin; begin < at.end; begin += kChunkRows) {
    const std::uint64_t count = begin + kChunkRows < at.end ? kChunkRows : at.end - begin;
    add_to(sum, sum_gradients<Shape, From, kWeighted>(batch, gradient, begin, count, n_packs));
  }
  return sum;
}

}  // namespace unfold::cuda
