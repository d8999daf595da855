// The k best items of each query: those that beat the k-th best so far gather in a buffer, which drops all but its k
// best when it is full. So most items cost one comparison, and the others a constant time.
//
// Work    2 * n_queries * n_items * dim flops; some k * (1 + log(n_items / k)) items of a random order reach the buffer
// Memory  the workspace: 16 bytes a query and place, 528 a query, and the stretch of packed items
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"
#include "unfold/score_key.hpp"

namespace unfold::cpu {
namespace {

// Queries whose candidates one thread sorts at a time.
constexpr std::uint64_t kSortedTogether = 16;

// The candidates of one query.
class Candidates {
 public:
  static std::uint64_t words(std::uint32_t k) { return 2 + capacity(k); }
  // Over words(k) words of memory.
  Candidates(std::uint64_t* memory, std::uint32_t k) : n_(memory[0]), threshold_(memory[1]), keys_(memory + 2), k_(k) {}

  void clear() {
    n_ = 0;
    threshold_ = kNoScoreKey;
  }

  // The least float that can beat the threshold.
  float entry_score() const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (threshold_ == kNoScoreKey) return -kInfinity;  // every number does
    // Items come in ascending order: one that only equals the score comes after its item.
    return std::nextafter(score_of_key(threshold_), kInfinity);
  }

  void offer(std::uint64_t key) {
    if (key <= threshold_) return;  // it may have risen since
    keys_[n_++] = key;
    if (n_ < capacity(k_)) return;
    std::nth_element(keys_, keys_ + k_ - 1, keys_ + n_, std::greater<>());
    n_ = k_;
    threshold_ = keys_[k_ - 1];
  }

  // The k best, sorted; kNoScoreKey where there are fewer.
  const std::uint64_t* finish() {
    while (n_ < k_) keys_[n_++] = kNoScoreKey;
    std::partial_sort(keys_, keys_ + k_, keys_ + n_, std::greater<>());
    return keys_;
  }

 private:
  static std::uint64_t capacity(std::uint32_t k) { return 2 * std::uint64_t{k} + 64; }

  std::uint64_t& n_;
  std::uint64_t& threshold_;  // the k-th best when the buffer was last full
  std::uint64_t* keys_;       // [capacity]
  std::uint32_t k_;
};

std::uint64_t candidate_bytes(std::uint64_t n_queries, std::uint32_t k) {
  const std::uint64_t bytes = sizeof(std::uint64_t) * n_queries * Candidates::words(k);
  return (bytes + ItemTiles::kAlignment - 1) / ItemTiles::kAlignment * ItemTiles::kAlignment;
}

void offer_row(const ScoreRow& row, Candidates candidates) {
  std::uint32_t places[kTileItems + kPanelWidth];
  const std::uint32_t n = find_reaching(row.scores, row.n_padded, candidates.entry_score(), places);
  for (std::uint32_t t = 0; t < n; ++t) {
    candidates.offer(score_key(row.scores[places[t]], static_cast<Row>(row.first_item + places[t])));
  }
}

}  // namespace

std::uint64_t workspace_bytes(const TopK& op, int /*n_threads*/) {
  return candidate_bytes(op.queries.rows, op.k) + ItemTiles::kMinBytes + ItemTiles::kAlignment;
}

void run(const TopK& op, std::span<std::byte> workspace, int n_threads) {
  const std::uint32_t k = op.k;
  const std::uint64_t n_queries = op.queries.rows;
  check_top_k(k);
  if (n_queries == 0) return;
  const std::span<std::byte> memory = aligned_workspace("top_k", workspace, workspace_bytes(op, n_threads));
  auto* const words = reinterpret_cast<std::uint64_t*>(memory.data());
  const auto candidates = [&](std::uint64_t q) { return Candidates(words + q * Candidates::words(k), k); };
  const ItemTiles tiles("top_k", op.queries, op.items, op.item_bias, memory.subspan(candidate_bytes(n_queries, k)));
  const RowLists lists[] = {op.excluded};
  for (std::uint64_t q = 0; q < n_queries; ++q) candidates(q).clear();
  tiles.for_each_score_row(lists, n_threads, [&](const ScoreRow& row) { offer_row(row, candidates(row.query)); });
  parallel_slices(n_queries, kSortedTogether, threads_for(n_queries * k, n_threads),
                  [&](std::uint64_t first, std::uint64_t last) {
                    for (std::uint64_t q = first; q < last; ++q) {
                      const std::uint64_t* const keys = candidates(q).finish();
                      for (std::uint32_t t = 0; t < k; ++t) {
                        op.out_items[q * k + t] = row_of_key(keys[t]);
                        op.out_scores[q * k + t] = score_of_key(keys[t]);
                      }
                    }
                  });
}

}  // namespace unfold::cpu
