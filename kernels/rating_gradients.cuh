// The gradients of rating_step.cuh summed for the rows of one side, its own, and d loss / d score of each rating, from
// which the other side's gradients follow (update_rows.cuh). The batch comes sorted by its own side's rows
// (sort_rows.cuh): one group holds a row and its sum while it walks along the row's ratings. Long segments are cut into
// chunks (segments.cuh), which come first; a second kernel adds up chunk sums, and the blocks' sums of squared errors.
// Shapes    tables as in rating_step.cuh; by_score [size]; gradient [distinct rows, dim] with the tables' stride,
//           bias_gradient [distinct rows]; sums [chunk_slots(size), stride]; block_errors [gridDim.x]
// Work      a group of 8 to 32 lanes a segment or chunk, with several of the other side's rows in flight
// Traffic   a rating reads element bytes * dim + 20 bytes and writes 4; a distinct row reads element bytes * dim + 8
// and
//           writes 4 * (dim + 1)
// Races     none; equal bits from run to run, since the grid, by which errors are summed, depends on shapes alone
// Requires  every row in range; factor tables of one type, rows of tables and gradients aligned to 16 bytes
// Source    Koren, Bell and Volinsky, IEEE Computer 2009, eq. 5
#pragma once

#include "kernels/segments.cuh"
#include "kernels/step_sum.cuh"
#include "unfold/rating_loss.hpp"

namespace unfold::cuda {

inline constexpr unsigned kRatingGradientThreads = 128;
// Blocks at most: twice what an H200 holds at once.
inline constexpr unsigned kMaxErrorBlocks = 4096;
inline constexpr unsigned kErrorSumThreads = 1024;

// The op as its own side sees it.
struct SideRatings {
  ConstTableView own, other;  // factors
  const float* own_bias = nullptr;
  const float* other_bias = nullptr;
  const Row* other_rows = nullptr;  // of the batch, in its order
  const float* ratings = nullptr;
  SortedRows sorted;  // by the own side's rows
  RatingLoss loss;
  float* by_score = nullptr;
  MatrixView<float> gradient;
  float* bias_gradient = nullptr;
  ChunkSums sums;
};

// What a group works on: a chunk of a long segment, or a short segment.
struct RatingPiece {
  Positions at;  // none: nothing
  Row row = 0;
  float* sum = nullptr;
  float* bias_sum = nullptr;
};

// Pieces 0 .. chunk_slots(n) are the chunks by slot, the others the segments.
__device__ inline RatingPiece rating_piece(const SideRatings& side, std::uint64_t piece, std::uint64_t n_slots,
                                           std::uint64_t n_segments) {
  const SortedRows& batch = side.sorted;
  if (piece < n_slots) {
    const Positions at = chunk_of_slot(batch, piece, n_segments);
    return {at, at.size() > 0 ? batch.rows[at.begin] : 0, side.sums.row(piece), side.sums.bias + piece};
  }
  const std::uint64_t segment = piece - n_slots;
  if (segment >= n_segments) return {};
  const Positions at = segment_positions(batch, segment, n_segments);
  if (at.size() > kChunkRows) return {};
  return {at, batch.rows[at.begin], side.gradient.row(segment), side.bias_gradient + segment};
}

// A rating in a group's registers; zeros where there is none.
template <typename Shape>
struct OtherRow {
  RowSlice<Shape> row;
  float bias, rating;
  std::uint32_t place;
  bool active;
};
template <typename Element, typename Shape>
__device__ inline OtherRow<Shape> load_other_row(const SideRatings& side, const Positions& at, std::uint64_t position,
                                                 unsigned row_packs) {
  const bool active = position < at.end;
  const std::uint32_t place = active ? side.sorted.order[position] : 0;
  const Row row = active ? side.other_rows[place] : 0;
  return {load_row<Shape>(side.other.as<const Element>().row(row), active ? row_packs : 0),
          active && side.loss.use_bias ? side.other_bias[row] : 0.0f, active ? side.ratings[place] : 0.0f, place,
          active};
}

// Chunks' pieces first: they are the longest.
template <typename Element, typename Shape>
__global__ void __launch_bounds__(kRatingGradientThreads)
    rating_gradients_kernel(const SideRatings side, const std::uint64_t n_slots, double* block_errors) {
  constexpr int kInFlight = kSummedInFlight<Shape>;
  const RatingLoss& loss = side.loss;
  const bool leads = group_lane<Shape::kWidth>() == 0;
  const unsigned row_packs = pack_count<Shape>(side.own.cols);
  const std::uint64_t n_segments = *side.sorted.n_segments, n_groups = group_count<Shape::kWidth>();
  double error_sum = 0;
  for (std::uint64_t base = 0; base < n_slots + n_segments; base += n_groups) {
    const RatingPiece piece = rating_piece(side, base + group_index<Shape::kWidth>(), n_slots, n_segments);
    const bool has_bias = loss.use_bias && piece.at.size() > 0;
    const unsigned n_packs = piece.at.size() > 0 ? row_packs : 0;
    const RowSlice<Shape> own = load_row<Shape>(side.own.as<const Element>().row(piece.row), n_packs);
    const float own_bias = has_bias ? side.own_bias[piece.row] : 0.0f;
    RowSlice<Shape> sum = {};
    float bias_sum = 0;
    for (std::uint64_t first = piece.at.begin; warp_any(first < piece.at.end); first += kInFlight) {
      OtherRow<Shape> others[kInFlight];
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        others[k] = load_other_row<Element, Shape>(side, piece.at, first + k, row_packs);
      }
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const OtherRow<Shape>& other = others[k];
        const float product = group_sum<Shape::kWidth>(dot_share(own, other.row));
        const float score = loss.link.mean + (own_bias + other.bias) + product;
        const RatingGradient gradient = rating_gradient(score, other.rating, loss);
        const float by_score = other.active ? gradient.by_score : 0;
        add_weighted(sum, by_score, other.row);
        bias_sum += by_score;
        if (other.active && leads) {
          side.by_score[other.place] = by_score;
          error_sum += static_cast<double>(gradient.error) * gradient.error;
        }
      }
    }
    const auto count = static_cast<float>(piece.at.size());
    add_weighted(sum, loss.l2 * count, own);
    store_row(piece.sum, sum, n_packs);
    if (has_bias && leads) *piece.bias_sum = bias_sum + loss.l2_bias * count * own_bias;
  }
  const double block_error = block_sum(error_sum);
  if (threadIdx.x == 0) block_errors[blockIdx.x] = block_error;
}

// Block 0: sum += block_errors[0] + ... + block_errors[n_blocks - 1]. The others: the gradients of long segments, from
// their chunk sums; a segment is its first chunk's group's.
template <typename Shape>
__global__ void __launch_bounds__(kErrorSumThreads)
    sum_rating_chunks_kernel(const SideRatings side, const std::uint64_t n_slots, const double* block_errors,
                             const unsigned n_blocks, const StepSum sum) {
  if (blockIdx.x == 0) return add_to_step_sum(block_errors, n_blocks, sum);
  const SortedRows& batch = side.sorted;
  const unsigned n_packs = pack_count<Shape>(side.gradient.cols);
  const std::uint64_t n_segments = *batch.n_segments;
  const std::uint64_t groups_a_block = blockDim.x / Shape::kWidth, n_groups = (gridDim.x - 1) * groups_a_block;
  const std::uint64_t group = (blockIdx.x - 1) * groups_a_block + threadIdx.x / Shape::kWidth;
  for (std::uint64_t slot = 2 * group + 1; slot < n_slots; slot += 2 * n_groups) {
    const Positions chunk = chunk_of_slot(batch, slot, n_segments);
    if (chunk.size() == 0) continue;
    const std::uint64_t segment = segment_at(batch, chunk.begin, n_segments);
    const Positions at = segment_positions(batch, segment, n_segments);
    store_row(side.gradient.row(segment), sum_chunk_sums<Shape>(side.sums, at, n_packs), n_packs);
    if (side.loss.use_bias && group_lane<Shape::kWidth>() == 0) {
      const ChunkSums bias_sums{side.sums.bias, 1, nullptr};
      side.bias_gradient[segment] = sum_chunk_sums<ScalarShape>(bias_sums, at, 1).v[0][0];
    }
  }
}

}  // namespace unfold::cuda
