#include "kernels/rank_targets.cuh"

#include "kernels/ops.hpp"
#include "kernels/score_walk.cuh"

namespace unfold::cuda {
namespace {

bool has_no_rank(const RankTargets& op) { return op.n_targets == 0 || op.queries.rows == 0 || op.items.rows == 0; }

unsigned warp_grid(const Launch& launch, std::uint64_t n_queries) {
  return filling_grid(launch, n_queries, kRankThreads / kWarpSize);
}

void gather(const Launch& launch, const ScoreTile& tile, const RankTargets& op, float* target_scores) {
  launch_kernel<gather_target_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile,
                                             op.item_bias, op.targets, target_scores);
}

void count(const Launch& launch, const ScoreTile& tile, const RankTargets& op, const float* target_scores) {
  launch_kernel<mask_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile, op.targets,
                                    op.excluded);
  const std::uint64_t n_parts = (tile.n_items + kCountColumns - 1) / kCountColumns;
  const unsigned grid = filling_grid(launch, tile.n_queries * n_parts, 1);
  launch_kernel<count_before_kernel>(launch, {grid, kRankThreads}, tile, op.item_bias, op.targets, target_scores,
                                     op.ranks);
}

}  // namespace

void run(const Context& context, const RankTargets& op, std::span<std::byte> workspace) {
  if (has_no_rank(op)) return;
  const Launch& launch = context.launch;
  Workspace memory(workspace);
  float* const target_scores = memory.take<float>(op.n_targets);
  const ScoreWalk walk(context.blas, op.queries, op.items, memory);
  check_workspace("rank_targets", memory, workspace.size());

  UNFOLD_CUDA_CHECK(cudaMemsetAsync(op.ranks, 0, op.n_targets * sizeof(std::uint32_t), launch.stream));
  // An item is counted when every target's score is known: in a second pass, unless one tile holds all of them.
  walk.for_each_query_block([&](const ScoreTile& block) {
    const bool one_pass = walk.holds_all_items();
    walk.for_each_item_tile(block, [&](const ScoreTile& tile) {
      gather(launch, tile, op, target_scores);
      if (one_pass) count(launch, tile, op, target_scores);
    });
    if (one_pass) return;
    walk.for_each_item_tile(block, [&](const ScoreTile& tile) { count(launch, tile, op, target_scores); });
  });
  launch_kernel<finish_ranks_kernel>(launch, {warp_grid(launch, op.queries.rows), kRankThreads}, op.queries.rows,
                                     op.items.rows, op.targets, op.excluded, target_scores, op.ranks);
}

std::uint64_t workspace_bytes(const Context& /*context*/, const RankTargets& op) {
  if (has_no_rank(op)) return 0;
  Workspace none;
  none.take<float>(op.n_targets);
  none.take<float>(ScoreWalk::least_floats(op.queries.rows, op.items.rows));
  return none.used_bytes();
}

}  // namespace unfold::cuda
