// Ranks of given items among all items, from tiles of scores that cuBLAS writes. The launcher walks over tiles
// [n_tile_queries, n_tile_items]; here each step on one tile:
//   gather    target_scores[t] = score of target t
//   mask      scores of targets and excluded items become NaN, which is >= nothing and so counts for nothing
//   count     ranks[t] += items with score >= target_scores[t]
// and at the end
//   finish    ranks[t] += 1 + other targets of the query that come before t; a target without a number for a score
//             gets the last rank, the number of items that take part
// A score is the tile's element plus the item's bias, one float addition, the same in gather and count.
// Shapes    scores [n_tile_queries, stride], item_bias [n_items] or null, target_scores and ranks [n_targets]
// Work      gather, mask, finish: a warp a query; count: a block a query and kCountColumns items
// Traffic   count reads the tile once for every kTargetsAPass targets of a query
// Races     none; counts are added by integer atomics, which commute
// Requires  lists ascending and distinct; a target is never excluded
#pragma once

#include <cmath>

#include "kernels/score_tiles.cuh"

namespace unfold::cuda {

inline constexpr unsigned kRankThreads = 256;
inline constexpr int kTargetsAPass = 8;
inline constexpr std::uint64_t kCountColumns = 8192;

__global__ void __launch_bounds__(kRankThreads)
    gather_target_scores_kernel(const ScoreTile tile, const float* item_bias, const RowLists targets,
                                float* target_scores) {
  for (std::uint64_t k = group_index<kWarpSize>(); k < tile.n_queries; k += group_count<kWarpSize>()) {
    const std::uint64_t query = tile.first_query + k;
    const ListPlace list = list_of(targets, query);
    std::uint64_t t = lower_bound(targets.ids, list.begin, list.end, tile.first_new);
    for (t += group_lane<kWarpSize>(); t < list.end && targets.ids[t] < tile.end_item(); t += kWarpSize) {
      const Row item = targets.ids[t];
      target_scores[t] = biased(tile.row(query)[item - tile.first_item], item_bias, item);
    }
  }
}

__global__ void __launch_bounds__(kRankThreads)
    mask_scores_kernel(const ScoreTile tile, const RowLists targets, const RowLists excluded) {
  for (std::uint64_t k = group_index<kWarpSize>(); k < tile.n_queries; k += group_count<kWarpSize>()) {
    mask_list(tile, tile.first_query + k, targets, group_lane<kWarpSize>(), kWarpSize);
    mask_list(tile, tile.first_query + k, excluded, group_lane<kWarpSize>(), kWarpSize);
  }
}

// Up to kTargetsAPass targets t.. of one query, over items [begin, end) of the tile. Called by whole blocks.
__device__ inline void count_before(const ScoreTile& tile, const float* row, const float* item_bias,
                                    std::uint64_t begin, std::uint64_t end, const float* target_scores, std::uint64_t t,
                                    std::uint64_t targets_end, std::uint32_t* ranks) {
  float score_of[kTargetsAPass];
  std::uint32_t count[kTargetsAPass] = {};
  UNFOLD_UNROLL
  for (int k = 0; k < kTargetsAPass; ++k) score_of[k] = t + k < targets_end ? target_scores[t + k] : NAN;
  for (std::uint64_t item = begin + threadIdx.x; item < end; item += blockDim.x) {
    const float score = biased(row[item - tile.first_item], item_bias, item);
    UNFOLD_UNROLL
    for (int k = 0; k < kTargetsAPass; ++k) count[k] += score >= score_of[k] ? 1 : 0;
  }
  UNFOLD_UNROLL
  for (int k = 0; k < kTargetsAPass; ++k) {
    const std::uint32_t total = group_sum<kWarpSize>(count[k]);
    if (group_lane<kWarpSize>() == 0 && total > 0) atomic_add(ranks + t + k, total);
  }
}

__global__ void __launch_bounds__(kRankThreads)
    count_before_kernel(const ScoreTile tile, const float* item_bias, const RowLists targets,
                        const float* target_scores, std::uint32_t* ranks) {
  const std::uint64_t n_new = tile.end_item() - tile.first_new;
  const std::uint64_t n_parts = (n_new + kCountColumns - 1) / kCountColumns;
  for (std::uint64_t work = blockIdx.x; work < tile.n_queries * n_parts; work += gridDim.x) {
    const std::uint64_t query = tile.first_query + work / n_parts;
    const std::uint64_t begin = tile.first_new + work % n_parts * kCountColumns;
    const std::uint64_t end = begin + kCountColumns < tile.end_item() ? begin + kCountColumns : tile.end_item();
    const ListPlace list = list_of(targets, query);
    for (std::uint64_t t = list.begin; t < list.end; t += kTargetsAPass) {
      count_before(tile, tile.row(query), item_bias, begin, end, target_scores, t, list.end, ranks);
    }
  }
}

__global__ void __launch_bounds__(kRankThreads)
    finish_ranks_kernel(const std::uint64_t n_queries, const std::uint64_t n_items, const RowLists targets,
                        const RowLists excluded, const float* target_scores, std::uint32_t* ranks) {
  for (std::uint64_t query = group_index<kWarpSize>(); query < n_queries; query += group_count<kWarpSize>()) {
    const ListPlace list = list_of(targets, query), out = list_of(excluded, query);
    const std::uint64_t n_taking_part = n_items - (out.end - out.begin);
    for (std::uint64_t t = list.begin + group_lane<kWarpSize>(); t < list.end; t += kWarpSize) {
      const float score = target_scores[t];
      std::uint32_t before = 1;
      for (std::uint64_t other = list.begin; other < list.end; ++other) {
        const float other_score = target_scores[other];
        before += other_score > score || (other_score == score && other < t) ? 1 : 0;
      }
      ranks[t] = score == score ? ranks[t] + before : static_cast<std::uint32_t>(n_taking_part);
    }
  }
}

}  // namespace unfold::cuda
