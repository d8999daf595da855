#include "kernels/rank_targets.cuh"

#include "kernels/ops.hpp"
#include "kernels/score_walk.cuh"

namespace unfold::cuda {
namespace {

struct RankRequest {
  const float* item_bias;
  RowLists targets, excluded;
  float* target_scores;
  std::uint32_t* ranks;
};

unsigned warp_grid(const Launch& launch, std::uint64_t n_queries) {
  return filling_grid(launch, n_queries, kRankThreads / kWarpSize);
}

void gather(const Launch& launch, const ScoreTile& tile, const RankRequest& request) {
  launch_kernel<gather_target_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile,
                                             request.item_bias, request.targets, request.target_scores);
}

void count(const Launch& launch, const ScoreTile& tile, const RankRequest& request) {
  launch_kernel<mask_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile, request.targets,
                                    request.excluded);
  const std::uint64_t n_parts = (tile.n_items + kCountColumns - 1) / kCountColumns;
  const unsigned grid = filling_grid(launch, tile.n_queries * n_parts, 1);
  launch_kernel<count_before_kernel>(launch, {grid, kRankThreads}, tile, request.item_bias, request.targets,
                                     request.target_scores, request.ranks);
}

}  // namespace

void rank_targets(const Launch& launch, Blas& blas, MatrixView<const float> queries, MatrixView<const float> items,
                  const float* item_bias, RowLists targets, RowLists excluded, std::uint64_t n_targets,
                  std::uint32_t* ranks, std::span<std::byte> workspace) {
  if (n_targets == 0 || queries.rows == 0 || items.rows == 0) return;
  Workspace memory(workspace);
  float* target_scores = memory.take<float>(n_targets);
  const ScoreWalk walk(blas, queries, items, memory);
  check_workspace("rank_targets", memory, workspace.size());

  const RankRequest request{item_bias, targets, excluded, target_scores, ranks};
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(ranks, 0, n_targets * sizeof(std::uint32_t), launch.stream));
  // An item is counted when every target's score is known: in a second pass, unless one tile holds all of them.
  walk.for_each_query_block([&](const ScoreTile& block) {
    const bool one_pass = walk.holds_all_items();
    walk.for_each_item_tile(block, [&](const ScoreTile& tile) {
      gather(launch, tile, request);
      if (one_pass) count(launch, tile, request);
    });
    if (one_pass) return;
    walk.for_each_item_tile(block, [&](const ScoreTile& tile) { count(launch, tile, request); });
  });
  launch_kernel<finish_ranks_kernel>(launch, {warp_grid(launch, queries.rows), kRankThreads}, queries.rows, items.rows,
                                     targets, excluded, target_scores, ranks);
}

std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint64_t n_targets) {
  if (n_targets == 0 || n_queries == 0 || n_items == 0) return 0;
  Workspace none;
  none.take<float>(n_targets);
  none.take<float>(ScoreWalk::least_floats(n_queries, n_items));
  return none.used_bytes();
}

}  // namespace unfold::cuda
