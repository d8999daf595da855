// Ranks by counting: a target's rank is one more than the number of competing items that score at least as high.
// Items are packed into panels a tile at a time, every thread scores its queries against the tile and counts; the
// scores themselves live in a few KiB of stack and are never kept.
//
// Work    2 * n_queries * n_items * dim flops, and a comparison per item and target (of queries with few targets)
//         or log2 of the query's targets comparisons per item
// Memory  the workspace: 12 bytes a target, 4 a query, and the tile of packed items
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"

namespace unfold::cpu {
namespace {

// Above this many targets in a query one binary search an item is cheaper than one comparison a target.
constexpr std::uint64_t kManyTargets = 192;
// Queries whose targets one thread scores or ranks at a time.
constexpr std::uint64_t kRankedTogether = 64;

std::uint64_t list_bytes(std::uint64_t n_queries, std::uint64_t n_targets) {
  const std::uint64_t bytes = sizeof(float) * n_targets + sizeof(std::uint32_t) * (2 * n_targets + n_queries);
  return (bytes + ItemTiles::kAlignment - 1) / ItemTiles::kAlignment * ItemTiles::kAlignment;
}

struct Ranking {
  const RankTargets& op;
  // A query's targets, best first (NaN last): their scores, where each stands in the query's list, and what was
  // counted for each (one slot more than targets). Query q's part begins at targets.offsets[q], of counts q further on.
  float* thresholds;
  std::uint32_t* order;
  std::uint32_t* counts;

  std::uint64_t first_target(std::uint64_t q) const { return op.targets.offsets[q]; }
  std::uint64_t n_targets(std::uint64_t q) const { return op.targets.offsets[q + 1] - first_target(q); }
  // Targets that have a number for a score; the others need no counting.
  std::uint64_t n_comparable(std::uint64_t q) const {
    const float* const first = thresholds + first_target(q);
    const auto is_number = [](float score) { return !std::isnan(score); };
    return static_cast<std::uint64_t>(std::partition_point(first, first + n_targets(q), is_number) - first);
  }
  std::uint32_t* query_counts(std::uint64_t q) const { return counts + first_target(q) + q; }
};

void start_query(const Ranking& ranking, std::uint64_t q) {
  const RankTargets& op = ranking.op;
  const std::uint64_t first = ranking.first_target(q);
  const std::uint64_t n = ranking.n_targets(q);
  std::fill_n(ranking.query_counts(q), n + 1, 0u);
  if (n == 0) return;
  float* const scores = ranking.thresholds + first;
  std::uint32_t* const order = ranking.order + first;
  score_rows(op.queries.row(q), op.items, op.item_bias, op.targets.ids + first, n, scores);
  std::iota(order, order + n, 0u);
  std::sort(order, order + n, [scores](std::uint32_t a, std::uint32_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return std::isnan(scores[b]) && !std::isnan(scores[a]);
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  float* const numbers_end = std::partition(scores, scores + n, [](float score) { return !std::isnan(score); });
  std::sort(scores, numbers_end, std::greater<>());
}

void finish_query(const Ranking& ranking, std::uint64_t q) {
  const RowLists& excluded = ranking.op.excluded;
  const std::uint64_t first = ranking.first_target(q);
  const std::uint64_t n = ranking.n_targets(q);
  const std::uint64_t n_excluded = excluded.offsets == nullptr ? 0 : excluded.offsets[q + 1] - excluded.offsets[q];
  const std::uint32_t* const counts = ranking.query_counts(q);
  std::uint32_t steps_so_far = 0;
  for (std::uint64_t t = 0; t < n; ++t) {
    steps_so_far += counts[t];
    const std::uint32_t at_least = n > kManyTargets ? steps_so_far : counts[t];
    // A target without a number for a score comes last of all that take part.
    const std::uint64_t rank =
        std::isnan(ranking.thresholds[first + t]) ? ranking.op.items.rows - n_excluded : 1 + at_least + t;
    ranking.op.ranks[first + ranking.order[first + t]] = static_cast<std::uint32_t>(rank);
  }
}

void count_row(const Ranking& ranking, const ScoreRow& row) {
  const std::uint64_t q = row.query;
  const auto count = ranking.n_targets(q) > kManyTargets ? count_steps : count_reaching;
  count(row.scores, row.n_padded, ranking.thresholds + ranking.first_target(q), ranking.n_comparable(q),
        ranking.query_counts(q));
}

}  // namespace

std::uint64_t workspace_bytes(const RankTargets& op, int /*n_threads*/) {
  return list_bytes(op.queries.rows, op.n_targets) + ItemTiles::kMinBytes + ItemTiles::kAlignment;
}

void run(const RankTargets& op, std::span<std::byte> workspace, int n_threads) {
  const std::uint64_t n_queries = op.queries.rows;
  if (n_queries == 0 || op.n_targets == 0) return;
  const std::span<std::byte> memory = aligned_workspace("rank_targets", workspace, workspace_bytes(op, n_threads));
  const ItemTiles tiles("rank_targets", op.queries, op.items, op.item_bias,
                        memory.subspan(list_bytes(n_queries, op.n_targets)));
  auto* const thresholds = reinterpret_cast<float*>(memory.data());
  auto* const order = reinterpret_cast<std::uint32_t*>(thresholds + op.n_targets);
  const Ranking ranking{op, thresholds, order, order + op.n_targets};
  const RowLists lists[] = {op.targets, op.excluded};
  // Targets are scored before any item is counted. A query's counts belong to one thread at a time, and are integers.
  const auto for_queries = [&](const auto& f) {
    parallel_slices(n_queries, kRankedTogether, threads_for(op.n_targets, n_threads),
                    [&](std::uint64_t first, std::uint64_t last) {
                      for (std::uint64_t q = first; q < last; ++q) f(ranking, q);
                    });
  };
  for_queries(start_query);
  tiles.for_each_score_row(lists, n_threads, [&](const ScoreRow& row) { count_row(ranking, row); });
  for_queries(finish_query);
}

}  // namespace unfold::cpu
