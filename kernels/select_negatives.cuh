// The hardest of each query's candidates, or those drawn by their scores (selection_key of softmax_arguments.hpp has
// how hard is meant). A block owns a query, holds a key for each candidate in shared memory, and moves the highest to
// the front. Keys carry the candidate's place, so that they all differ and the result does not depend on the order of
// threads.
//   shared   scores of a tile by cuBLAS; candidates that the query's user knows are masked
//   own      candidates of each query, or of its user: their rows are read and scored here
// Shapes    tile.scores [n_tile_queries, stride], candidates [n_queries, N], rows and log_count [n_queries, M]
// Work      a block of 32 to 256 threads a query, N * (1 + L * (L + 3) / 4) comparisons with L = log2 of the power of
//           two from M (or M + 1) on; own: a group of 8 to 32 lanes scores a candidate, several rows in flight
// Traffic   shared: the tile once and N * 4 bytes; own: N * (row of the table + 4 to 8) bytes a query; 8 * M written
// Races     none
// Requires  1 <= M <= N <= kMaxCandidates; known lists ascending and distinct; rows aligned to 16 bytes
// Source    Shi et al., WWW 2023 (DNS(M, N)); Kool et al., ICML 2019 (Gumbel-top-k); Lai et al., AAAI 2024 (AHNS)
#pragma once

#include "kernels/block_sort.cuh"
#include "kernels/known_mask.cuh"
#include "kernels/query_scores.cuh"
#include "unfold/score_key.hpp"

namespace unfold::cuda {

inline constexpr unsigned kSelectThreads = 256;  // at most

// What selects, and where to.
struct Selection {
  Hardness hardness;
  std::uint32_t n_slots = 0;   // keys in shared memory, a power of two from N on
  std::uint32_t n_sorted = 0;  // of them put in order, a power of two from M on, and from M + 1 on where there are more
  Row* rows = nullptr;         // [n_queries, M]
  float* log_count = nullptr;  // [n_queries, M] or null
};

// What a query compares its candidates with: kAdaptive alone has such a score. Called by whole warps.
__device__ inline Selection at_present(Selection selection) {
  selection.hardness.key = at_step(selection.hardness.key);
  return selection;
}

__device__ inline float target_score(const SoftmaxBatch& batch, const Hardness& hardness, std::uint64_t query) {
  if (hardness.kind != HardnessKind::kAdaptive) return 0;
  return adaptive_target(positive_score(batch, query), hardness);
}

// Makes keys of the scores of the query's candidates, which begin at `first` of the pool's arrays; score_of(j, row) is
// that of candidate j. Called by whole blocks.
template <typename ScoreOf>
__device__ inline void write_keys(const Selection& selection, const CandidatePool& pool, std::uint64_t first,
                                  std::uint64_t query, float target, std::uint64_t* keys, ScoreOf score_of) {
  for (std::uint32_t j = threadIdx.x; j < selection.n_slots; j += blockDim.x) {
    const Row row = j < pool.n ? pool.rows[first + j] : kNoRow;
    std::uint64_t key = kNoScoreKey;
    if (row != kNoRow) {
      key = score_key(selection_key(score_of(j, row), target, query * pool.n + j, selection.hardness), j);
    }
    keys[j] = key;
  }
}

// Writes the query's n_kept highest keys: candidates begin at `first` of the pool's arrays. Called by whole blocks,
// which may write the keys when it returns.
__device__ inline void write_selected(const Selection& selection, const CandidatePool& pool, std::uint64_t first,
                                      std::uint64_t query, std::uint64_t* keys) {
  const Hardness& hardness = selection.hardness;
  __syncthreads();
  block_top_descending(keys, selection.n_slots, selection.n_sorted);
  const std::uint32_t n_kept = hardness.n_kept;
  const std::uint64_t left_out = n_kept < selection.n_sorted ? keys[n_kept] : kNoScoreKey;  // the highest of them
  const bool is_drawn = hardness.kind == HardnessKind::kScoreWeighted && left_out != kNoScoreKey;
  for (std::uint32_t t = threadIdx.x; t < n_kept; t += blockDim.x) {
    const std::uint64_t key = keys[t], out = query * n_kept + t;
    const std::uint32_t j = row_of_key(key);
    const bool is_candidate = key != kNoScoreKey;
    selection.rows[out] = is_candidate ? pool.rows[first + j] : kNoRow;
    if (selection.log_count == nullptr) continue;
    float log_count = 0;
    if (is_candidate) {
      log_count = pool.log_draws + (pool.log_count == nullptr ? 0 : pool.log_count[first + j]);
      if (is_drawn) {
        const float noise = gumbel(selection_block(hardness.key, query * pool.n + j).v[0]);
        log_count += log_kept_probability(score_of_key(key) - noise - score_of_key(left_out));
      }
    }
    selection.log_count[out] = log_count;
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kSelectThreads)
    select_shared_kernel(const ScoreTile tile, const SharedRows candidates, const SoftmaxBatch batch,
                         const CandidatePool pool, const Selection any_selection) {
  const Selection selection = at_present(any_selection);
  UNFOLD_DYNAMIC_SHARED(std::uint64_t, keys);
  for (std::uint64_t q = blockIdx.x; q < tile.n_queries; q += gridDim.x) {
    const std::uint64_t query = tile.first_query + q;
    float* const scores = tile.row(query);
    mark_known(candidates, known_rows(batch.known, batch.users, query), NAN, scores);
    const float target = target_score(batch, selection.hardness, query);
    __syncthreads();
    write_keys(selection, pool, 0, query, target, keys,
               [&](std::uint32_t j, Row) { return biased(scores[j], pool.bias, j); });
    write_selected(selection, pool, 0, query, keys);
  }
}

template <typename Element, typename Shape>
__global__ void __launch_bounds__(kSelectThreads, 2)
    select_own_kernel(const SoftmaxBatch batch, const CandidatePool pool, const Selection any_selection) {
  const Selection selection = at_present(any_selection);
  UNFOLD_DYNAMIC_SHARED(std::uint64_t, keys);
  constexpr int kInFlight = kRowsInFlight<Shape>;
  const MatrixView<const Element> table = pool.table.as<const Element>();
  const unsigned n_groups = blockDim.x / Shape::kWidth, group = threadIdx.x / Shape::kWidth;
  for (std::uint64_t query = blockIdx.x; query < batch.queries.rows; query += gridDim.x) {
    const std::uint64_t first = (pool.lists == nullptr ? query : pool.lists[query]) * pool.row_stride;
    const RowSlice<Shape> q = load_row<Shape>(batch.queries.row(query), pack_count<Shape>(table.cols));
    const float target = target_score(batch, selection.hardness, query);
    for (std::uint32_t base = 0; base < selection.n_slots; base += n_groups * kInFlight) {
      Row ids[kInFlight];
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const std::uint32_t j = base + k * n_groups + group;
        ids[k] = j < pool.n ? pool.rows[first + j] : kNoRow;
      }
      ScoredRow<Shape> scored[kInFlight];
      score_rows(table, ids, pool.normalize, q, scored);
      if (group_lane<Shape::kWidth>() != 0) continue;
      UNFOLD_UNROLL
      for (int k = 0; k < kInFlight; ++k) {
        const std::uint32_t j = base + k * n_groups + group;
        if (j < selection.n_slots) keys[j] = float_bits(scored[k].score);
      }
    }
    __syncthreads();
    // A thread a candidate, where the scores took a group: keys may take a random draw and logarithms.
    write_keys(selection, pool, first, query, target, keys, [&](std::uint32_t j, Row row) {
      return biased(bits_float(static_cast<std::uint32_t>(keys[j])), pool.item_bias, row);
    });
    write_selected(selection, pool, first, query, keys);
  }
}

}  // namespace unfold::cuda
