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
#include <limits>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "host/ops/ops.hpp"
#include "host/ops/rank_tiles.hpp"
#include "unfold/error.hpp"

namespace unfold::cpu {
namespace {

// Above this many targets in a query one binary search an item is cheaper than one comparison a target.
constexpr std::uint64_t kManyTargets = 192;
// Packed items beyond this no longer fit in a core's second-level cache.
constexpr std::uint64_t kUsefulTileBytes = std::uint64_t{1} << 20;
// A panel of 2047 columns: the tile that every workspace has room for.
constexpr std::uint64_t kMinTileBytes = std::uint64_t{256} << 10;
constexpr std::uint64_t kAlignment = 64;

std::uint64_t list_bytes(std::uint64_t n_queries, std::uint64_t n_targets) {
  return sizeof(float) * n_targets + sizeof(std::uint32_t) * (2 * n_targets + n_queries);
}

struct Ranking {
  MatrixView<const float> queries, items;
  const float* item_bias;
  RowLists targets, excluded;
  std::uint32_t* ranks;

  // A query's targets, best first (NaN last): their scores, where each stands in the query's list, and what was
  // counted for each (one slot more than targets). Query q's part begins at targets.offsets[q], of counts q further on.
  float* thresholds;
  std::uint32_t* order;
  std::uint32_t* counts;

  float* panels;  // 64-byte aligned
  std::uint64_t n_tile_items;

  std::uint64_t first_target(std::uint64_t q) const { return targets.offsets[q]; }
  std::uint64_t n_targets(std::uint64_t q) const { return targets.offsets[q + 1] - targets.offsets[q]; }
  // Targets that have a number for a score; the others need no counting.
  std::uint64_t n_comparable(std::uint64_t q) const {
    const float* const first = thresholds + first_target(q);
    const auto is_number = [](float score) { return !std::isnan(score); };
    return static_cast<std::uint64_t>(std::partition_point(first, first + n_targets(q), is_number) - first);
  }
  std::uint32_t* query_counts(std::uint64_t q) const { return counts + targets.offsets[q] + q; }
};

// Cuts the workspace into the arrays above.
void lay_out(Ranking& ranking, std::uint64_t n_targets, std::span<std::byte> workspace) {
  const std::uint64_t wanted = rank_targets_workspace_bytes(ranking.queries.rows, ranking.items.rows, n_targets);
  void* cursor = workspace.data();
  std::size_t left = workspace.size();
  if (std::align(kAlignment, 1, cursor, left) == nullptr || workspace.size() < wanted) {
    throw DeviceError(fmt::format("rank_targets: the workspace has {} bytes, {} are needed", workspace.size(), wanted));
  }
  auto* const base = static_cast<std::byte*>(cursor);
  const std::uint64_t lists = (list_bytes(ranking.queries.rows, n_targets) + kAlignment - 1) / kAlignment * kAlignment;
  const std::uint64_t panel_bytes = panel_size(ranking.items.cols) * sizeof(float);
  const std::uint64_t n_panels = std::min(left - lists, std::max(kUsefulTileBytes, panel_bytes)) / panel_bytes;
  if (n_panels == 0) {
    throw DeviceError(fmt::format("rank_targets: a panel of {} columns takes {} bytes, the workspace has {} for it",
                                  ranking.items.cols, panel_bytes, left - lists));
  }
  ranking.thresholds = reinterpret_cast<float*>(base);
  ranking.order = reinterpret_cast<std::uint32_t*>(base + sizeof(float) * n_targets);
  ranking.counts = ranking.order + n_targets;
  ranking.panels = reinterpret_cast<float*>(base + lists);
  ranking.n_tile_items = n_panels * kPanelItems;
}

void start_query(const Ranking& ranking, std::uint64_t q) {
  const std::uint64_t first = ranking.first_target(q);
  const std::uint64_t n = ranking.n_targets(q);
  std::fill_n(ranking.query_counts(q), n + 1, 0u);
  if (n == 0) return;
  float* const scores = ranking.thresholds + first;
  std::uint32_t* const order = ranking.order + first;
  score_rows(ranking.queries.row(q), ranking.items, ranking.item_bias, ranking.targets.ids + first, n, scores);
  std::iota(order, order + n, 0u);
  std::sort(order, order + n, [scores](std::uint32_t a, std::uint32_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return std::isnan(scores[b]) && !std::isnan(scores[a]);
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  float* const numbers_end = std::partition(scores, scores + n, [](float score) { return !std::isnan(score); });
  std::sort(scores, numbers_end, std::greater<>());
}

void finish_query(const Ranking& ranking, std::uint64_t q) {
  const std::uint64_t first = ranking.first_target(q);
  const std::uint64_t n = ranking.n_targets(q);
  const std::uint64_t n_excluded =
      ranking.excluded.offsets == nullptr ? 0 : ranking.excluded.offsets[q + 1] - ranking.excluded.offsets[q];
  const std::uint32_t* const counts = ranking.query_counts(q);
  std::uint32_t steps_so_far = 0;
  for (std::uint64_t t = 0; t < n; ++t) {
    steps_so_far += counts[t];
    const std::uint32_t at_least = n > kManyTargets ? steps_so_far : counts[t];
    // A target without a number for a score comes last of all that take part.
    const std::uint64_t rank =
        std::isnan(ranking.thresholds[first + t]) ? ranking.items.rows - n_excluded : 1 + at_least + t;
    ranking.ranks[first + ranking.order[first + t]] = static_cast<std::uint32_t>(rank);
  }
}

// Packs items [first, first + kPanelItems), those past the last as zeros.
void pack_panel(const Ranking& ranking, std::uint64_t first, float* panel) {
  const std::uint32_t dim = ranking.items.cols;
  const std::uint64_t n = std::min<std::uint64_t>(kPanelItems, ranking.items.rows - first);
  if (n < kPanelItems) std::fill_n(panel, panel_size(dim), 0.0f);
  for (std::uint64_t i = 0; i < n; ++i) {
    const float* const row = ranking.items.row(first + i);
    for (std::uint64_t k = 0; k < dim; ++k) panel[k * kPanelItems + i] = row[k];
  }
  float* const bias = panel + std::uint64_t{dim} * kPanelItems;
  for (std::uint64_t i = 0; i < n; ++i) bias[i] = ranking.item_bias == nullptr ? 0.0f : ranking.item_bias[first + i];
}

// Takes the list's items of [first, first + n) out of the running. `cursor` is the first id not below `first`, and
// moves past those taken out.
void mask(const Row*& cursor, const Row* end, std::uint64_t first, std::uint64_t n, float* scores) {
  for (; cursor != end && *cursor < first + n; ++cursor) {
    scores[*cursor - first] = std::numeric_limits<float>::quiet_NaN();
  }
}

struct Cursor {
  const Row* next;
  const Row* end;
};

Cursor seek(const RowLists& lists, std::uint64_t q, std::uint64_t first_item) {
  if (lists.offsets == nullptr) return {nullptr, nullptr};
  const Row* const end = lists.ids + lists.offsets[q + 1];
  return {std::lower_bound(lists.ids + lists.offsets[q], end, first_item), end};
}

// Counts for queries [first_query, first_query + n) the items [first_item, end_item) that lie in the panels.
void count_block(const Ranking& ranking, std::uint64_t first_query, std::uint64_t n, std::uint64_t first_item,
                 std::uint64_t end_item) {
  alignas(kAlignment) float scores[std::size_t{kTileQueries} * kTileItems];
  const float* queries[kTileQueries];
  Cursor targets[kTileQueries];
  Cursor excluded[kTileQueries];
  std::uint64_t n_comparable[kTileQueries];
  for (std::uint64_t q = 0; q < kTileQueries; ++q) {
    const std::uint64_t query = first_query + std::min(q, n - 1);
    queries[q] = ranking.queries.row(query);
    targets[q] = seek(ranking.targets, query, first_item);
    excluded[q] = seek(ranking.excluded, query, first_item);
    n_comparable[q] = ranking.n_comparable(query);
  }
  const float* panels = ranking.panels;
  for (std::uint64_t first = first_item; first < end_item; first += kTileItems) {
    const std::uint64_t n_items = std::min<std::uint64_t>(kTileItems, end_item - first);
    const auto n_panels = static_cast<std::uint32_t>((n_items + kPanelItems - 1) / kPanelItems);
    score_tile(queries, ranking.items.cols, panels, n_panels, scores);
    panels += n_panels * panel_size(ranking.items.cols);
    for (std::uint64_t q = 0; q < n; ++q) {
      float* const row = scores + q * kTileItems;
      mask(targets[q].next, targets[q].end, first, n_items, row);
      mask(excluded[q].next, excluded[q].end, first, n_items, row);
      std::fill(row + n_items, row + n_panels * kPanelItems, std::numeric_limits<float>::quiet_NaN());
      const std::uint64_t query = first_query + q;
      const auto count = ranking.n_targets(query) > kManyTargets ? count_steps : count_reaching;
      count(row, n_panels * kPanelItems, ranking.thresholds + ranking.first_target(query), n_comparable[q],
            ranking.query_counts(query));
    }
  }
}

}  // namespace

std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t /*n_items*/,
                                           std::uint64_t n_targets) {
  return list_bytes(n_queries, n_targets) + 2 * kAlignment + kMinTileBytes;
}

void rank_targets(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                  RowLists targets, RowLists excluded, std::uint64_t n_targets, std::uint32_t* ranks,
                  std::span<std::byte> workspace, int n_threads) {
  if (queries.rows == 0 || n_targets == 0) return;
  Ranking ranking{queries, items,   item_bias, targets, excluded, ranks,
                  nullptr, nullptr, nullptr,   nullptr, 0};
  lay_out(ranking, n_targets, workspace);
  const std::uint64_t n_blocks = (queries.rows + kTileQueries - 1) / kTileQueries;
  // Each loop ends in a barrier: targets are scored before any item is counted, a tile is packed before it is read
  // and read before the next is packed. A query's counts belong to one thread at a time, and are integers.
#pragma omp parallel num_threads(n_threads)
  {
#pragma omp for schedule(dynamic, 64)
    for (std::uint64_t q = 0; q < queries.rows; ++q) start_query(ranking, q);
    for (std::uint64_t first = 0; first < items.rows; first += ranking.n_tile_items) {
      const std::uint64_t end = std::min(items.rows, first + ranking.n_tile_items);
#pragma omp for schedule(static)
      for (std::uint64_t i = first; i < end; i += kPanelItems) {
        pack_panel(ranking, i, ranking.panels + (i - first) / kPanelItems * panel_size(items.cols));
      }
#pragma omp for schedule(dynamic, 4)
      for (std::uint64_t b = 0; b < n_blocks; ++b) {
        const std::uint64_t first_query = b * kTileQueries;
        count_block(ranking, first_query, std::min<std::uint64_t>(kTileQueries, queries.rows - first_query), first,
                    end);
      }
    }
#pragma omp for schedule(static)
    for (std::uint64_t q = 0; q < queries.rows; ++q) finish_query(ranking, q);
  }
}

}  // namespace unfold::cpu
