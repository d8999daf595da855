#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/rank_targets.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

// Queries of a tile at most, where memory allows: enough for cuBLAS to reuse each item row many times.
constexpr std::uint64_t kMaxTileQueries = 1024;
// With fewer queries a tile that holds all items reads them too often; then two passes over narrow tiles are less.
constexpr std::uint64_t kMinTileQueries = 128;
// The least tile that an op accepts.
constexpr std::uint64_t kLeastTileQueries = 64;
constexpr std::uint64_t kLeastTileItems = 4096;

constexpr std::uint64_t round_up_4(std::uint64_t n) { return (n + 3) / 4 * 4; }

struct TileShape {
  std::uint64_t n_queries = 0, n_items = 0;
};

// The shape of every tile, from the floats there are. All items in one where that leaves enough queries: then each
// score is computed once, else twice.
TileShape choose_tile(std::uint64_t n_queries, std::uint64_t n_items, std::uint64_t n_floats) {
  const std::uint64_t most = std::min(n_queries, kMaxTileQueries);
  const std::uint64_t whole = std::min(most, n_floats / round_up_4(n_items));
  if (whole >= std::min(n_queries, kMinTileQueries)) return {whole, n_items};
  // A shape near 1024 queries wide; where memory is short, still kLeastTileItems items.
  const std::uint64_t queries = std::clamp<std::uint64_t>(n_floats / kLeastTileItems, 1, most);
  return {queries, std::min(n_items, n_floats / queries / 4 * 4)};
}

struct Scorer {
  Blas& blas;
  MatrixView<const float> queries, items;

  void score(const ScoreTile& tile) const {
    blas.scores({queries.row(tile.first_query), tile.n_queries, queries.cols, queries.stride},
                {items.row(tile.first_item), tile.n_items, items.cols, items.stride}, tile.scores, tile.stride);
  }
};

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
  launch_kernel<gather_target_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile, request.item_bias, request.targets, request.target_scores);
}

void count(const Launch& launch, const ScoreTile& tile, const RankRequest& request) {
  launch_kernel<mask_scores_kernel>(launch, {warp_grid(launch, tile.n_queries), kRankThreads}, tile, request.targets,
                                                                                            request.excluded);
  const std::uint64_t n_parts = (tile.n_items + kCountColumns - 1) / kCountColumns;
  const unsigned grid = filling_grid(launch, tile.n_queries * n_parts, 1);
  launch_kernel<count_before_kernel>(launch, {grid, kRankThreads}, tile, request.item_bias, request.targets,
                                                                request.target_scores, request.ranks);
}

// Calls visit(tile) for the item tiles of one block of queries. All have the same shape, so that cuBLAS adds every
// score up in the same order and equal item vectors tie: the last tile begins early enough to be full.
template <typename Visit>
void for_each_item_tile(ScoreTile tile, std::uint64_t n_items, Visit&& visit) {
  for (std::uint64_t first = 0; first < n_items; first += tile.n_items) {
    tile.first_new = first;
    tile.first_item = std::min(first, n_items - tile.n_items);
    visit(tile);
  }
}

}  // namespace

void rank_targets(const Launch& launch, Blas& blas, MatrixView<const float> queries,
                  MatrixView<const float> items, const float* item_bias, RowLists targets, RowLists excluded,
                  std::uint64_t n_targets, std::uint32_t* ranks, std::span<std::byte> workspace) {
  if (n_targets == 0 || queries.rows == 0 || items.rows == 0) return;
  Workspace memory(workspace);
  float* target_scores = memory.take<float>(n_targets);
  const std::uint64_t n_floats = std::min<std::uint64_t>(memory.left_bytes() / sizeof(float), 0x7FFFFFFFu);
  const TileShape shape = choose_tile(queries.rows, items.rows, n_floats);
  const std::uint64_t stride = round_up_4(shape.n_items);
  float* scores = memory.take<float>(shape.n_queries * stride);
  check_workspace("rank_targets", memory, workspace.size());

  const Scorer scorer{blas, queries, items};
  const RankRequest request{item_bias, targets, excluded, target_scores, ranks};
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(ranks, 0, n_targets * sizeof(std::uint32_t), launch.stream));
  for (std::uint64_t first = 0; first < queries.rows; first += shape.n_queries) {
    const ScoreTile block{scores, stride, first, std::min(shape.n_queries, queries.rows - first), 0, shape.n_items, 0};
    if (shape.n_items == items.rows) {
      scorer.score(block);
      gather(launch, block, request);
      count(launch, block, request);
      continue;
    }
    for_each_item_tile(block, items.rows, [&](const ScoreTile& tile) {
      scorer.score(tile);
      gather(launch, tile, request);
    });
    for_each_item_tile(block, items.rows, [&](const ScoreTile& tile) {
      scorer.score(tile);
      count(launch, tile, request);
    });
  }
  launch_kernel<finish_ranks_kernel>(launch, {warp_grid(launch, queries.rows), kRankThreads}, queries.rows, items.rows, targets, excluded, target_scores, ranks);
}

std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint64_t n_targets) {
  if (n_targets == 0 || n_queries == 0 || n_items == 0) return 0;
  Workspace none;
  none.take<float>(n_targets);
  none.take<float>(std::min(n_queries, kLeastTileQueries) * std::min(round_up_4(n_items), kLeastTileItems));
  return none.used_bytes();
}

}  // namespace unfold::cuda
