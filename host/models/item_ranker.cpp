#include "host/models/item_ranker.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace unfold {
namespace {

// Users whose best items are looked for at once.
constexpr std::uint64_t kBlockUsers = 4096;
// Scores of a block beyond the least that a search needs: larger tiles.
constexpr std::uint64_t kTileBytes = std::uint64_t{16} << 20;

std::uint64_t block_size(std::uint64_t n_users, std::uint32_t largest_k) {
  return largest_k == 0 ? 0 : std::min(kBlockUsers, n_users);
}
std::uint64_t search_workspace_bytes(const Backend& backend, std::uint64_t n_users, std::uint64_t n_items,
                                     std::uint32_t largest_k) {
  if (largest_k == 0) return 0;
  return backend.top_k_workspace_bytes(block_size(n_users, largest_k), n_items, largest_k) + kTileBytes;
}
// The length of a user's vector does not change his ranking, unless biases are added to the products.
std::uint64_t n_scored_users(std::uint64_t n_users, bool has_bias, bool cosine) {
  return has_bias && cosine ? n_users : 0;
}

}  // namespace

std::uint64_t ItemRanker::bytes(const Backend& backend, std::uint64_t n_users, std::uint64_t n_items,
                                std::uint32_t stride, bool has_bias, bool cosine, std::uint32_t largest_k) {
  return sizeof(Row) * std::max(n_users, n_items) + ScoredRows::bytes(n_items, stride) +
         ScoredRows::bytes(n_scored_users(n_users, has_bias, cosine), stride) +
         ScoredRows::bytes(block_size(n_users, largest_k), stride) +
         search_workspace_bytes(backend, n_users, n_items, largest_k);
}

ItemRanker::ItemRanker(Backend& backend, const TableView& users, const TableView& items, const float* item_bias,
                       bool cosine, std::uint32_t largest_k)
    : backend_(backend),
      users_(users),
      items_(items),
      item_bias_(item_bias),
      all_rows_(backend, std::max(users.rows, items.rows)),
      item_rows_(backend, items.rows, items.stride),
      user_rows_(backend, n_scored_users(users.rows, item_bias != nullptr, cosine), users.stride),
      block_rows_(backend, block_size(users.rows, largest_k), users.stride),
      workspace_(backend, search_workspace_bytes(backend, users.rows, items.rows, largest_k)) {
  transform_.normalize = cosine;
  std::vector<Row> rows(all_rows_.size());
  std::iota(rows.begin(), rows.end(), 0u);
  all_rows_.upload(rows);
}

void ItemRanker::look_up_items() {
  item_vectors_ = item_rows_.look_up(backend_, items_, all_rows_.data(), items_.rows, transform_);
}

void ItemRanker::find_best(RowLists excluded, BestItems& best) {
  for (std::uint64_t first = 0; first < users_.rows; first += kBlockUsers) {
    const std::uint64_t n = std::min<std::uint64_t>(kBlockUsers, users_.rows - first);
    const MatrixView<float> users = block_rows_.look_up(backend_, users_, all_rows_.data() + first, n, transform_);
    const RowLists block = excluded.offsets == nullptr ? RowLists{} : RowLists{excluded.offsets + first, excluded.ids};
    backend_.top_k(users, item_vectors_, item_bias_, block, best.k, best.items.data() + first * best.k,
                   best.scores.data() + first * best.k, {workspace_.data(), workspace_.size()});
  }
}

RankingMetrics ItemRanker::rank(const TestItems& test, const SeenItems& seen, const EvaluateOptions& options) {
  ConstTableView users = users_;
  if (user_rows_.scale.size() > 0) {
    users = MatrixView<const float>(user_rows_.look_up(backend_, users_, all_rows_.data(), users_.rows, transform_));
  }
  const ItemScorer scorer{
      .user_vectors = users, .item_vectors = item_vectors_, .item_bias = item_bias_, .one_query = false};
  return rank_test_items(backend_, scorer, test, seen, options);
}

}  // namespace unfold
