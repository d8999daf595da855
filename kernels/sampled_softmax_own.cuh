// Negatives of each query's own, read from the table, for sampled_softmax.
//   score      s = q . v (+ bias), v the row, divided by its length if normalized; and the sum of the vectors weighted
//              by their shares, in units of the highest, which becomes their part of the query's gradient once the loss
//              is known: rows are read once for both
//   gradients  by the rows: g q, and where normalized g (q - s v) / length, for which rows are read again
// Shapes    own.rows, scores [n_queries, n], table [n_items, dim], sums [n_queries, dim], highs [n_queries],
//           gradient [n_queries * n, dim]
// Work      score: a block of 32 to 256 threads a query, cut into groups of 4 to 32 lanes, each with several rows in
//           flight and a running maximum; gradients: a group takes several neighbouring entries
// Traffic   a negative reads a row and 8 to 12 bytes, writes 4 * dim + 8; normalized it reads the row twice
// Races     none; sums are added in a fixed order
// Requires  rows of tables and matrices aligned to 16 bytes; every row in range or kNoRow
// Source    Milakov and Gimelshein, Online normalizer calculation for softmax, 2018 (the running maximum)
#pragma once

#include "kernels/query_scores.cuh"
#include "kernels/sampled_softmax_own.hpp"
#include "kernels/softmax_sums.cuh"

namespace unfold::cuda {

inline constexpr unsigned kOwnThreads = 256;

// A sum of vectors, times 2^-high.
template <typename Shape>
struct WeightedVectors {
  float high = -INFINITY;
  RowSlice<Shape> sum = {};

  __device__ inline void raise(float highest) {
    sum = scaled(fast_exp2(high - base_of(highest)), sum);
    high = highest;
  }
};

// The sums of a block's groups, written to row n of `out`. Called by whole blocks.
template <typename Shape>
__device__ inline void store_block_sum(WeightedVectors<Shape>& vectors, const MatrixView<float>& out, std::uint64_t n) {
  constexpr unsigned kColumns = Shape::kWidth * Shape::kFloats;
  UNFOLD_SHARED_ARRAY(float4, warp_packs, kOwnThreads / kWarpSize * kColumns / 4);
  float* const warp_sums = reinterpret_cast<float*>(warp_packs);
  const unsigned n_warps = blockDim.x / kWarpSize;
  vectors.raise(block_max(vectors.high));
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) vectors.sum.v[k][j] = sum_over_groups<Shape::kWidth>(vectors.sum.v[k][j]);
  }
  float* const mine = warp_sums + threadIdx.x / kWarpSize * kColumns;
  if (threadIdx.x % kWarpSize < Shape::kWidth) store_row(mine, vectors.sum, kColumns / Shape::kPack);
  __syncthreads();
  for (unsigned c = threadIdx.x; c < out.stride; c += blockDim.x) {
    float sum = 0;
    for (unsigned warp = 0; c < out.cols && warp < n_warps; ++warp) sum += warp_sums[warp * kColumns + c];
    out.row(n)[c] = sum;
  }
  __syncthreads();  // warp_sums are read before the next query's are written
}

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kOwnThreads)
    score_own_kernel(const SoftmaxBatch batch, const OwnNegatives own, const SoftmaxLossKind kind, const OwnScores out,
                     const MatrixView<float> sums) {
  constexpr int kInFlight = kRowsInFlight<Shape>;
  const MatrixView<const Element> table = own.table.as<const Element>();
  const float inverse = inverse_temperature(batch);
  const bool leads = group_lane<Shape::kWidth>() == 0;
  const unsigned n_groups = blockDim.x / Shape::kWidth, group = threadIdx.x / Shape::kWidth;
  for (std::uint64_t query = blockIdx.x; query < batch.queries.rows; query += gridDim.x) {
    const std::uint64_t begin = query * own.n;
    const RowSlice<Shape> q = load_row<Shape>(batch.queries.row(query), pack_count<Shape>(table.cols));
    const float positive = kind == SoftmaxLossKind::kBpr ? positive_score(batch, query) : 0;
    WeightedVectors<Shape> vectors;
    for (std::uint64_t first = 0; first < own.n; first += n_groups * kInFlight) {
      Row ids[kInFlight];
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const std::uint64_t at = first + k * n_groups + group;
        ids[k] = at < own.n ? own.rows[begin + at] : kNoRow;
      }
      ScoredRow<Shape> scored[kInFlight];
      score_rows(table, ids, own.normalize, q, scored);
      float log2_share[kInFlight], highest = vectors.high;
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const std::uint64_t at = first + k * n_groups + group;
        log2_share[k] = -INFINITY;
        if (ids[k] != kNoRow) {
          const float score = own.item_bias == nullptr ? scored[k].score : scored[k].score + own.item_bias[ids[k]];
          const float log_count = own.log_draws + (own.log_count == nullptr ? 0 : own.log_count[begin + at]);
          log2_share[k] = kind == SoftmaxLossKind::kBpr ? (-log_count - softplus((positive - score) * inverse)) * kLog2E
                                                        : log2_weight(score, log_count, inverse);
          if (leads) out.scores[begin + at] = score;
        }
        highest = larger_or_nan(highest, log2_share[k]);
      }
      vectors.raise(highest);
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        add_weighted(vectors.sum, fast_exp2(log2_share[k] - base_of(highest)) * scored[k].scale, scored[k].row);
      }
    }
    store_block_sum(vectors, sums, query);
    if (threadIdx.x == 0) out.highs[query] = vectors.high;
  }
}

template <typename Element, typename Shape, bool kNormalize>
__global__ void __launch_bounds__(kOwnThreads)
    own_gradients_kernel(const SoftmaxBatch batch, const OwnNegatives own, const float* by_score,
                         const MatrixView<float> gradient) {
  constexpr int kInFlight = kRowsInFlight<Shape>;
  const unsigned row_packs = pack_count<Shape>(gradient.cols);
  const std::uint64_t units_a_query = (own.n + kInFlight - 1) / kInFlight;
  const std::uint64_t n_units = batch.queries.rows * units_a_query;
  for (std::uint64_t base = 0; base < n_units; base += group_count<Shape::kWidth>()) {
    const std::uint64_t unit = base + group_index<Shape::kWidth>();
    const bool active = unit < n_units;
    const std::uint64_t query = active ? unit / units_a_query : 0;
    const std::uint64_t first = active ? unit % units_a_query * kInFlight : own.n;  // of the query's negatives
    const RowSlice<Shape> q = load_row<Shape>(batch.queries.row(query), row_packs);
    if constexpr (kNormalize) {
      Row ids[kInFlight];
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        ids[k] = first + k < own.n ? own.rows[query * own.n + first + k] : kNoRow;
      }
      ScoredRow<Shape> scored[kInFlight];
      score_rows(own.table.as<const Element>(), ids, true, q, scored);
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        if (first + k >= own.n) continue;
        const std::uint64_t at = query * own.n + first + k;
        const float by_vector = by_score[at] * scored[k].scale;
        const float along = by_vector * scored[k].score * scored[k].scale;
        store_padded_row(gradient, at, combine(by_vector, q, -along, scored[k].row));
      }
    } else {
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        if (first + k >= own.n) continue;
        const std::uint64_t at = query * own.n + first + k;
        store_padded_row(gradient, at, scaled(by_score[at], q));
      }
    }
  }
}

}  // namespace unfold::cuda
