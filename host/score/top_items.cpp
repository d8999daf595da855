#include "host/score/top_items.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "unfold/score_key.hpp"

namespace unfold {
namespace {

// Queries of a block: more of them gain nothing.
constexpr std::uint64_t kMaxBlockQueries = 8192;
// Scores of a block, so that lists come, and an interrupt is seen, every few seconds at the least.
constexpr std::uint64_t kMaxBlockScores = std::uint64_t{1} << 31;

}  // namespace

TopItems::TopItems(const Arena& arena, const Scorer& scorer, std::vector<Row> users, const UserLists& excluded,
                   std::uint32_t k, std::uint64_t memory_bytes)
    : backend_(arena.backend()), k_(k), excluded_(excluded) {
  const std::string name = "lists of best items";
  if (scorer.query_dim() == 0) {
    users_ = std::move(users);
    pairs_.emplace(arena, name, scorer);
    return;
  }
  BlockNeeds needs;
  // In the backend's memory and the host's.
  needs.array_bytes = [k](const BlockSize& block) { return 2 * block.n_queries * k * (sizeof(Row) + sizeof(float)); };
  needs.workspace_bytes = [&backend = backend_, n_items = scorer.n_items(), k](const BlockSize& block) {
    return backend.workspace_bytes(TopK{.queries = {.rows = block.n_queries}, .items = {.rows = n_items}, .k = k});
  };
  needs.memory_bytes = memory_bytes;
  const std::uint64_t by_scores = kMaxBlockScores / std::max<std::uint64_t>(1, scorer.n_items());
  needs.max_queries = std::min(kMaxBlockQueries, std::max<std::uint64_t>(1, by_scores));
  walk_.emplace(arena, name, scorer, std::move(users), excluded, needs);
  items_ = arena.array<Row>(name, walk_->largest().n_queries * k);
  scores_ = arena.array<float>(name, walk_->largest().n_queries * k);
}

void TopItems::run(Scorer& scorer, const Take& take) {
  if (walk_) return walk_->run(scorer, [&](const Block& block) { list_block(block, take); });
  for (std::uint64_t n = 0; n < users_.size(); ++n) list_pairs(scorer, n, take);
}

void TopItems::list_block(const Block& block, const Take& take) {
  backend_.run(TopK{.queries = block.queries,
                    .items = block.items.vectors,
                    .item_bias = block.items.bias,
                    .excluded = block.excluded,
                    .k = k_,
                    .out_items = items_.data(),
                    .out_scores = scores_.data()},
               block.workspace);
  host_items_.resize(block.users.size() * k_);
  host_scores_.resize(host_items_.size());
  items_.download(host_items_);
  scores_.download(host_scores_);
  for (std::uint64_t n = 0; n < block.users.size(); ++n) {
    const std::span<const Row> list = std::span<const Row>(host_items_).subspan(n * k_, k_);
    const auto length = static_cast<std::size_t>(std::ranges::find(list, kNoRow) - list.begin());
    take(block.first + n, list.first(length), std::span<const float>(host_scores_).subspan(n * k_, length));
  }
}

void TopItems::list_pairs(Scorer& scorer, std::uint64_t n, const Take& take) {
  const std::span<float> scores = pairs_->scores_of(scorer, users_[n]);
  std::vector<Row> excluded;
  excluded_.append(users_[n], excluded);
  for (const Row item : excluded) scores[item] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::uint64_t> keys;
  for (std::size_t item = 0; item < scores.size(); ++item) {
    const std::uint64_t key = score_key(scores[item], static_cast<Row>(item));
    if (key != kNoScoreKey) keys.push_back(key);
  }
  const std::size_t length = std::min<std::size_t>(k_, keys.size());
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(length), keys.end(), std::greater<>());
  host_items_.clear();
  host_scores_.clear();
  for (std::size_t t = 0; t < length; ++t) {
    host_items_.push_back(row_of_key(keys[t]));
    host_scores_.push_back(score_of_key(keys[t]));
  }
  take(n, host_items_, host_scores_);
}

}  // namespace unfold
