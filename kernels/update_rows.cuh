// The deterministic update: gradients of equal rows are summed in batch order, then the optimizer is applied once a
// row. The launcher sorts the batch by row (stable) and lists where each row's segment starts; here one owner sums
// a segment. A segment longer than kChunkRows is cut into chunks of that length from its own start; chunks are
// summed side by side first, and the owner adds their sums in order. So a row's bits depend on its own gradients
// and their order alone, not on the rest of the batch nor on the device.
// Shapes    table [n_table_rows, dim], sorted_rows and order [n_rows], starts [n_segments], gradient [n_rows, dim]
//           in batch order, chunk_sums [chunk_slots(n_rows), dim rounded up to whole packs]
// Work      a group of 1 to 32 lanes a chunk, then one a segment, each lane holding 1 to 8 packs of a row
// Traffic   n_rows * (4 * dim + 4) bytes read; rows touched * dim * (element bytes + 4 * state) read and written;
//           the sort moves about 16 bytes a row and pass on top, the sums of chunks 8 * dim / kChunkRows a row
// Rounding  rows of 16 bits: the place is the row's number (rounding_bits in optimizer.hpp)
// Races     none
// Requires  n_rows < 2^32; table and gradient of one stride, their rows aligned to 16 bytes, or dim = 1 in float32
// Source    Merrill and Grimshaw, High performance and scalable radix sorting, 2011 (the sort)
#pragma once

#include "kernels/row_optimizer.cuh"

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

// A batch sorted by row.
struct SortedBatch {
  const Row* rows = nullptr;              // [n_rows], ascending
  const std::uint32_t* order = nullptr;   // [n_rows] place in the batch, ascending where rows are equal
  const std::uint32_t* starts = nullptr;  // [n_segments] first position of each distinct row
  const std::uint32_t* n_segments = nullptr;
  std::uint64_t n_rows = 0;
};

struct Positions {
  std::uint64_t begin = 0, end = 0;
  __device__ inline std::uint64_t size() const { return end - begin; }
};

__device__ inline Positions segment_positions(const SortedBatch& batch, std::uint64_t segment,
                                              std::uint64_t n_segments) {
  return {batch.starts[segment], segment + 1 < n_segments ? batch.starts[segment + 1] : batch.n_rows};
}

// The segment that contains a position.
__device__ inline std::uint64_t segment_at(const SortedBatch& batch, std::uint64_t position, std::uint64_t n_segments) {
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
__device__ inline Positions chunk_of_slot(const SortedBatch& batch, std::uint64_t slot, std::uint64_t n_segments) {
  const bool is_first = slot % 2 == 1;
  const std::uint64_t window = slot / 2 * kChunkRows;
  const std::uint64_t window_end = window + kChunkRows < batch.n_rows ? window + kChunkRows : batch.n_rows;
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

template <typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    sum_chunks_kernel(const SortedBatch batch, const MatrixView<const float> gradient, float* chunk_sums) {
  const unsigned n_packs = pack_count<Shape>(gradient.cols);
  const std::uint64_t sum_stride = n_packs * Shape::kPack;
  const std::uint64_t n_segments = *batch.n_segments;
  const std::uint64_t n_slots = chunk_slots(batch.n_rows);
  for (std::uint64_t slot = group_index<Shape::kWidth>(); slot < n_slots; slot += group_count<Shape::kWidth>()) {
    const Positions chunk = chunk_of_slot(batch, slot, n_segments);
    if (chunk.size() == 0) continue;
    const auto row_at = [&](std::uint64_t k) { return gradient.row(batch.order[chunk.begin + k]); };
    store_row(chunk_sums + slot * sum_stride, sum_rows<Shape>(chunk.size(), n_packs, row_at), n_packs);
  }
}

template <OptimizerKind kKind, typename Element, typename Shape>
__global__ void __launch_bounds__(kUpdateThreads)
    update_segments_kernel(const ParameterView table, const SortedBatch batch, const MatrixView<const float> gradient,
                           const float* chunk_sums, const OptimizerStep step) {
  // With 32 columns a lane the row waits until the sum is known, else registers run out.
  constexpr bool kEarlyRow = Shape::kFloats <= 16;
  const unsigned row_packs = pack_count<Shape>(table.weight.cols);
  const std::uint64_t sum_stride = row_packs * Shape::kPack;
  const std::uint64_t n_segments = *batch.n_segments;
  for (std::uint64_t base = 0; base < n_segments; base += group_count<Shape::kWidth>()) {
    const std::uint64_t segment = base + group_index<Shape::kWidth>();
    Positions at = segment < n_segments ? segment_positions(batch, segment, n_segments) : Positions{};
    const bool active = segment < n_segments && batch.rows[at.begin] != kNoRow;
    const unsigned n_packs = active ? row_packs : 0;
    const Row row = active ? batch.rows[at.begin] : 0;
    if (!active) at = {};
    OptimizerRow<kKind, Element, Shape, LoadKind::kAnyCache> state;
    RowSlice<Shape> weight;
    if constexpr (kEarlyRow) {
      weight = load_row<Shape>(table.weight.as<const Element>().row(row), n_packs);
      state.load(table, row, n_packs);
    }

    const bool is_long = at.size() > kChunkRows;
    const std::uint64_t count = is_long ? (at.size() + kChunkRows - 1) / kChunkRows : at.size();
    const auto row_at = [&](std::uint64_t k) {
      return is_long ? chunk_sums + chunk_slot(at.begin + k * kChunkRows, k == 0) * sum_stride
                     : gradient.row(batch.order[at.begin + k]);
    };
    const RowSlice<Shape> sum = sum_rows<Shape>(count, n_packs, row_at);
    if constexpr (!kEarlyRow) {
      weight = load_row<Shape>(table.weight.as<const Element>().row(row), n_packs);
      state.load(table, row, n_packs);
    }
    state.update(table, row, n_packs, weight, sum, step, row);
  }
}

}  // namespace unfold::cuda
