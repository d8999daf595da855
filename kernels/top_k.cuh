// The k best items of each query, from tiles of scores that cuBLAS writes. A block owns a query and keeps its best keys
// (score_key.hpp) in shared memory: the k best so far, sorted, then candidates that beat the k-th. When no slot is left
// it sorts and drops all but the k best. Between tiles the k best wait in `state`. Keys of a query all differ, so the
// result does not depend on the order in which threads find them.
// Shapes    tile.scores [n_tile_queries, stride], item_bias [n_items] or null, state [n_tile_queries, k], out_items and
//           out_scores [n_queries, k]
// Work      a block a query; an item costs a comparison, and about k * (1 + log(n_items / k)) items of a random order a
//           slot in a sort
// Traffic   the tile once, 4 bytes an item for the bias; 8 * k a query and tile for the state
// Races     none between blocks; candidates take slots by an atomic counter
// Requires  1 <= k <= kSlots / 2; excluded lists ascending and distinct; item tiles in ascending order
// Source    Batcher, Sorting networks and their applications, 1968 (the sort)
#pragma once

#include "kernels/block_sort.cuh"
#include "kernels/score_tiles.cuh"
#include "unfold/score_key.hpp"

namespace unfold::cuda {

inline constexpr unsigned kTopKThreads = 256;
// Items that a thread looks at together.
inline constexpr int kItemsAThread = 4;

// Where the tiles of a block of queries begin and end.
struct TilePlace {
  bool is_first = false, is_last = false;
};

// The keys of one query in shared memory. All functions are called by whole blocks.
struct TopKeys {
  std::uint64_t* keys;  // [n_slots]
  unsigned* n_used;     // more than n_slots where candidates found none left
  unsigned n_slots, k;
  std::uint64_t threshold;  // what a key must pass, the same in all threads

  // From the k best of the tiles before, or from nothing where `state` is null.
  __device__ inline void start(const std::uint64_t* state) {
    const unsigned n = state == nullptr ? 0 : k;
    for (unsigned t = threadIdx.x; t < n; t += blockDim.x) keys[t] = state[t];
    if (threadIdx.x == 0) *n_used = n;
    __syncthreads();
    threshold = n == 0 ? kNoScoreKey : keys[k - 1];
  }

  // Keys that pass the threshold become candidates.
  template <int kCount>
  __device__ inline void offer(std::uint64_t (&mine)[kCount]) {
    for (;;) {
      UNFOLD_UNROLL
      for (int j = 0; j < kCount; ++j) {
        if (mine[j] <= threshold) continue;
        const unsigned slot = atomic_fetch_add(n_used, 1u);
        if (slot >= n_slots) continue;
        keys[slot] = mine[j];
        mine[j] = kNoScoreKey;
      }
      __syncthreads();
      const bool is_full = *n_used >= n_slots;
      __syncthreads();
      if (!is_full) return;
      keep_best(n_slots);
    }
  }

  // Sorts the first n keys and drops all but k.
  __device__ inline void keep_best(unsigned n) {
    block_sort_descending(keys, n);
    if (threadIdx.x == 0) *n_used = k;
    threshold = keys[k - 1];
    __syncthreads();
  }

  // The k best, sorted; kNoScoreKey where there are fewer.
  __device__ inline void finish() {
    const unsigned n = *n_used;
    unsigned n_sorted = 1;
    while (n_sorted < n || n_sorted < k) n_sorted *= 2;
    for (unsigned t = n + threadIdx.x; t < n_sorted; t += blockDim.x) keys[t] = kNoScoreKey;
    __syncthreads();
    keep_best(n_sorted);
  }
};

// Where there are no items.
__global__ void __launch_bounds__(kTopKThreads)
    write_none_kernel(const std::uint64_t n, Row* out_items, float* out_scores) {
  for (std::uint64_t at = thread_index(); at < n; at += thread_count()) {
    out_items[at] = row_of_key(kNoScoreKey);
    out_scores[at] = score_of_key(kNoScoreKey);
  }
}

template <unsigned kSlots>
__global__ void __launch_bounds__(kTopKThreads)
    select_top_kernel(const ScoreTile tile, const TilePlace place, const float* item_bias, const RowLists excluded,
                      const unsigned k, std::uint64_t* state, Row* out_items, float* out_scores) {
  UNFOLD_SHARED_ARRAY(std::uint64_t, keys, kSlots);
  UNFOLD_SHARED_ARRAY(unsigned, n_used, 1);
  for (std::uint64_t q = blockIdx.x; q < tile.n_queries; q += gridDim.x) {
    const std::uint64_t query = tile.first_query + q;
    mask_list(tile, query, excluded, threadIdx.x, blockDim.x);
    TopKeys best = {keys, n_used, kSlots, k, kNoScoreKey};
    best.start(place.is_first ? nullptr : state + q * k);
    const float* row = tile.row(query);
    constexpr std::uint64_t kItemsAPass = kTopKThreads * kItemsAThread;
    for (std::uint64_t first = tile.first_new; first < tile.end_item(); first += kItemsAPass) {
      std::uint64_t mine[kItemsAThread];
      UNFOLD_UNROLL
      for (int j = 0; j < kItemsAThread; ++j) {
        const std::uint64_t item = first + j * kTopKThreads + threadIdx.x;
        const bool is_item = item < tile.end_item();
        const float score = is_item ? biased(row[item - tile.first_item], item_bias, item) : NAN;
        mine[j] = score_key(score, static_cast<Row>(item));
      }
      best.offer(mine);
    }
    best.finish();
    for (unsigned t = threadIdx.x; t < k; t += blockDim.x) {
      if (place.is_last) {
        out_items[query * k + t] = row_of_key(keys[t]);
        out_scores[query * k + t] = score_of_key(keys[t]);
      } else {
        state[q * k + t] = keys[t];
      }
    }
    __syncthreads();  // the keys are read before the next query's are written
  }
}

}  // namespace unfold::cuda
