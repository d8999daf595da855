// The k best items of each query: a heap of keys a query, the worst of them on top, and a comparison per item with what
// a score must reach to get in.
//
// Work    2 * n_queries * n_items * dim flops; a heap step for about k * (1 + log(n_items / k)) items of a random order
// Memory  the workspace: 8 bytes a query and place, and the stretch of packed items
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"
#include "unfold/score_key.hpp"

namespace unfold::cpu {
namespace {

std::uint64_t heap_bytes(std::uint64_t n_queries, std::uint32_t k) {
  const std::uint64_t bytes = sizeof(std::uint64_t) * n_queries * k;
  return (bytes + ItemTiles::kAlignment - 1) / ItemTiles::kAlignment * ItemTiles::kAlignment;
}

// The least float that is better than the worst of a full heap; -infinity, which every number reaches, of another.
float entry_score(const std::uint64_t* heap) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (heap[0] == kNoScoreKey) return -kInfinity;
  // Items come in ascending order: one that only equals the worst comes after it.
  return std::nextafter(score_of_key(heap[0]), kInfinity);
}

// Puts a row's best scores into the query's heap [k], which orders by std::greater.
void offer(const ScoreRow& row, std::uint32_t k, std::uint64_t* heap) {
  std::uint32_t places[kTileItems];
  const std::uint32_t n = find_reaching(row.scores, row.n_padded, entry_score(heap), places);
  for (std::uint32_t t = 0; t < n; ++t) {
    const std::uint64_t key = score_key(row.scores[places[t]], static_cast<Row>(row.first_item + places[t]));
    if (key <= heap[0]) continue;  // the worst may have risen since
    std::pop_heap(heap, heap + k, std::greater<>());
    heap[k - 1] = key;
    std::push_heap(heap, heap + k, std::greater<>());
  }
}

}  // namespace

std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t /*n_items*/, std::uint32_t k) {
  return heap_bytes(n_queries, k) + ItemTiles::kMinBytes + ItemTiles::kAlignment;
}

void top_k(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias, RowLists excluded,
           std::uint32_t k, Row* out_items, float* out_scores, std::span<std::byte> workspace, int n_threads) {
  check_top_k(k);
  if (queries.rows == 0) return;
  const std::span<std::byte> memory =
      aligned_workspace("top_k", workspace, top_k_workspace_bytes(queries.rows, items.rows, k));
  auto* const heaps = reinterpret_cast<std::uint64_t*>(memory.data());
  const ItemTiles tiles("top_k", queries, items, item_bias, memory.subspan(heap_bytes(queries.rows, k)));
  const RowLists lists[] = {excluded};
#pragma omp parallel num_threads(n_threads)
  {
#pragma omp for schedule(static)
    for (std::uint64_t q = 0; q < queries.rows; ++q) std::fill_n(heaps + q * k, k, kNoScoreKey);
    tiles.for_each_score_row(lists, [&](const ScoreRow& row) { offer(row, k, heaps + row.query * k); });
#pragma omp for schedule(static)
    for (std::uint64_t q = 0; q < queries.rows; ++q) {
      std::uint64_t* const heap = heaps + q * k;
      std::sort_heap(heap, heap + k, std::greater<>());
      for (std::uint32_t t = 0; t < k; ++t) {
        out_items[q * k + t] = row_of_key(heap[t]);
        out_scores[q * k + t] = score_of_key(heap[t]);
      }
    }
  }
}

}  // namespace unfold::cpu
