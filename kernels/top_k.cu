#include "kernels/top_k.cuh"

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/score_walk.cuh"

namespace unfold::cuda {
namespace {

// Slots for the k best and as many candidates as a pass can bring, or nearly so.
constexpr unsigned kFewSlots = 1024, kManySlots = 2048;
static_assert(kMaxTopK <= kManySlots / 2);

std::uint64_t* take_state(Workspace& memory, std::uint64_t n_queries, std::uint32_t k) {
  return memory.take<std::uint64_t>(std::min(n_queries, kMaxTileQueries) * k);
}

void write_none(const Launch& launch, std::uint64_t n, Row* out_items, float* out_scores) {
  const unsigned grid = filling_grid(launch, n, kTopKThreads);
  launch_kernel<write_none_kernel>(launch, {grid, kTopKThreads}, n, out_items, out_scores);
}

}  // namespace

void run(const Context& context, const TopK& op, std::span<std::byte> workspace) {
  check_top_k(op.k);
  if (op.queries.rows == 0) return;
  const Launch& launch = context.launch;
  if (op.items.rows == 0) return write_none(launch, op.queries.rows * op.k, op.out_items, op.out_scores);
  Workspace memory(workspace);
  std::uint64_t* const state = take_state(memory, op.queries.rows, op.k);
  const ScoreWalk walk(context.blas, op.queries, op.items, memory);
  check_workspace("top_k", memory, workspace.size());
  const auto select = [&]<unsigned kSlots>(const ScoreTile& tile) {
    const TilePlace place{tile.first_new == 0, tile.first_item + tile.n_items == op.items.rows};
    const unsigned grid = grid_size(tile.n_queries, 1, tile.n_queries);
    launch_kernel<select_top_kernel<kSlots>>(launch, {grid, kTopKThreads}, tile, place, op.item_bias, op.excluded, op.k,
                                             state, op.out_items, op.out_scores);
  };
  walk.for_each_query_block([&](const ScoreTile& block) {
    walk.for_each_item_tile(block, [&](const ScoreTile& tile) {
      if (op.k <= kFewSlots / 4) {
        select.template operator()<kFewSlots>(tile);
      } else {
        select.template operator()<kManySlots>(tile);
      }
    });
  });
}

std::uint64_t workspace_bytes(const Context& /*context*/, const TopK& op) {
  if (op.queries.rows == 0 || op.items.rows == 0) return 0;
  Workspace none;
  take_state(none, op.queries.rows, op.k);
  none.take<float>(ScoreWalk::least_floats(op.queries.rows, op.items.rows));
  return none.used_bytes();
}

}  // namespace unfold::cuda
