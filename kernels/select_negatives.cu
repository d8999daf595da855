#include "kernels/select_negatives.cuh"

#include <algorithm>
#include <bit>

#include "kernels/ops.hpp"
#include "kernels/query_tiles.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/sort_rows.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

Selection selection_of(const SelectNegatives& op) {
  const Hardness& hardness = op.hardness;
  const std::uint32_t n_slots = std::bit_ceil(op.pool.n);
  const bool needs_next = hardness.kind == HardnessKind::kScoreWeighted;
  const std::uint32_t n_sorted = std::min(std::bit_ceil(hardness.n_kept + (needs_next ? 1 : 0)), n_slots);
  return {hardness, n_slots, n_sorted, op.rows, op.log_count};
}

Grid grid_of(const Launch& launch, std::uint64_t n_queries, std::uint64_t threads, const Selection& selection) {
  threads = std::clamp<std::uint64_t>(std::bit_ceil(threads), kWarpSize, kSelectThreads);
  return {filling_grid(launch, n_queries, 1), static_cast<unsigned>(threads),
          selection.n_slots * sizeof(std::uint64_t)};
}

// Slots that a thread takes, where that is not decided by rows.
constexpr std::uint64_t kSlotsAThread = 4;

void select_shared(const Context& context, const SelectNegatives& op, const Selection& selection,
                   std::span<std::byte> workspace) {
  const Launch& launch = context.launch;
  const SoftmaxBatch& batch = op.batch;
  const CandidatePool& pool = op.pool;
  check_same_stride("candidates", pool.vectors, batch.queries.stride);
  check_vector_table("candidates", pool.vectors);
  Workspace memory(workspace);
  const SortedRows sorted = take_sorted_rows(memory, pool.n);
  const SortScratch sort = take_sort_scratch(memory, pool.n);
  const QueryTiles<float> tiles(batch.queries.rows, pool.n, memory);
  check_workspace("select_negatives", memory, workspace.size());
  SharedRows candidates;
  if (batch.known.offsets != nullptr) {
    sort_rows(launch, sort, pool.rows, kNoRow, sorted);
    candidates.sorted = sorted;
  }
  tiles.for_each([&](std::uint64_t first, std::uint64_t n) {
    const ScoreTile tile{tiles.scores(), tiles.stride(), first, n, 0, pool.n, 0};
    context.blas.scores(rows_of(batch.queries, first, n), pool.vectors, tile.scores, tile.stride);
    launch_kernel<select_shared_kernel>(launch, grid_of(launch, n, selection.n_slots / kSlotsAThread, selection), tile,
                                        candidates, batch, pool, selection);
  });
}

void select_own(const Launch& launch, const SelectNegatives& op, const Selection& selection) {
  const CandidatePool& pool = op.pool;
  check_vector_table("the table of candidates", pool.table);
  dispatch_shape<float, ShapeSet::kFew>(pool.table.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const std::uint64_t threads = std::uint64_t{selection.n_slots} * Shape::kWidth / kRowsInFlight<Shape>;
    const Grid grid = grid_of(launch, op.batch.queries.rows, std::max<std::uint64_t>(threads, 1), selection);
    with_element(pool.table.type, [&]<typename Element>() {
      launch_kernel<select_own_kernel<Element, Shape>>(launch, grid, op.batch, pool, selection);
    });
  });
}

}  // namespace

void run(const Context& context, const SelectNegatives& op, std::span<std::byte> workspace) {
  check_selection(op.hardness, op.pool);
  const SoftmaxBatch& batch = op.batch;
  if (batch.queries.rows == 0) return;
  check_vector_table("queries", batch.queries);
  if (op.hardness.kind == HardnessKind::kAdaptive) {
    check_same_stride("positives", batch.positives, batch.queries.stride);
    check_vector_table("positives", batch.positives);
  }
  const Selection selection = selection_of(op);
  if (op.pool.vectors.data != nullptr) return select_shared(context, op, selection, workspace);
  select_own(context.launch, op, selection);
}

std::uint64_t workspace_bytes(const Context& context, const SelectNegatives& op) {
  const std::uint64_t n_queries = op.batch.queries.rows;
  prepare_products(context.blas, op.pool.n);
  if (n_queries == 0 || op.pool.n == 0) return 0;
  Workspace none;
  take_sorted_rows(none, op.pool.n);
  take_sort_scratch(none, op.pool.n);
  none.take<float>(QueryTiles<float>::least_scores(n_queries, op.pool.n));
  return none.used_bytes();
}

}  // namespace unfold::cuda
