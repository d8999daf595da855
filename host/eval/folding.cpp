#include "host/eval/folding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/eval/user_groups.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

std::uint64_t block_bytes(const Backend& backend, const ItemScorer& scorer, const BlockSize& block, std::uint32_t k) {
  // The lists in the backend's memory, with scores, and in the host's, without.
  const std::uint64_t list_bytes = block.n_queries * k * (2 * sizeof(Row) + sizeof(float));
  return BlockQueries::bytes(scorer, block.n_queries) + DeviceLists::bytes(block.n_queries, block.n_excluded) +
         list_bytes + backend.top_k_workspace_bytes(block.n_queries, scorer.item_vectors.rows, k);
}

// The arrays of a block of users, allocated once for the largest.
class BlockSelector {
 public:
  BlockSelector(Backend& backend, const ItemScorer& scorer, const BlockSize& largest, std::uint32_t k,
                std::uint64_t memory_bytes)
      : backend_(backend),
        scorer_(scorer),
        k_(k),
        queries_(backend, scorer, largest.n_queries),
        excluded_(backend, largest.n_queries, largest.n_excluded),
        items_(backend, largest.n_queries * k),
        scores_(backend, largest.n_queries * k),
        workspace_(backend,
                   useful_workspace_bytes(backend.top_k_workspace_bytes(largest.n_queries, scorer.item_vectors.rows, k),
                                          block_bytes(backend, scorer, largest, k), memory_bytes)) {}

  // The users' best k items that are not `excluded`, best first, kUnknownRow where there are fewer: [n_users, k].
  std::span<const Row> select(std::span<const Row> users, const UserLists& excluded) {
    excluded_.clear();
    for (const Row user : users) excluded_.append(excluded, user);
    const MatrixView<const float> queries = queries_.gather(users);
    backend_.top_k(queries, scorer_.item_vectors, scorer_.item_bias, excluded_.upload(), k_, items_.data(),
                   scores_.data(), {workspace_.data(), workspace_.size()});
    host_items_.resize(users.size() * k_);
    items_.download(host_items_);
    return host_items_;
  }

 private:
  Backend& backend_;
  ItemScorer scorer_;
  std::uint32_t k_;
  BlockQueries queries_;
  DeviceLists excluded_;
  DeviceArray<Row> items_;
  DeviceArray<float> scores_;
  DeviceArray<std::byte> workspace_;
  std::vector<Row> host_items_;
};

// Calls take(user, the user's best k unseen items) for each of `users`, in their order; the list is shorter than k
// where fewer have a number for a score.
template <typename Take>
void select_unseen(Backend& backend, const ItemScorer& scorer, std::vector<Row> users, const SeenItems& seen,
                   std::uint32_t k, std::uint64_t memory_bytes, const Take& take) {
  if (users.empty()) return;
  const JoinedLists excluded = masked_in_test(seen);
  const auto of_user = [&](Row user) { return BlockSize{1, 0, excluded.size(user)}; };
  const auto bytes = [&](const BlockSize& block) { return block_bytes(backend, scorer, block, k); };
  const BlockPlan plan = plan_blocks(std::move(users), of_user, bytes, memory_bytes);
  BlockSelector selector(backend, scorer, plan.largest, k, memory_bytes);
  plan.for_each_block([&](std::span<const Row> block) {
    std::span<const Row> lists = selector.select(block, excluded);
    for (const Row user : block) {
      const std::span<const Row> list = lists.first(k);
      const auto end = std::find(list.begin(), list.end(), kUnknownRow);
      take(user, list.first(static_cast<std::size_t>(end - list.begin())));
      lists = lists.subspan(k);
    }
  });
}

// folding@K and chance.
void measure_lists(Backend& backend, const ItemScorer& scorer, const SeenItems& seen, const UserGroups& groups,
                   std::vector<Row> users, const EvaluateOptions& options, FoldingMetrics& metrics) {
  const std::uint64_t n_items = scorer.item_vectors.rows;
  const std::uint32_t k = *std::max_element(options.cutoffs.begin(), options.cutoffs.end());
  const JoinedLists masked = masked_in_test(seen);
  const auto take = [&](Row user, std::span<const Row> list) {
    if (list.empty()) return;
    ++metrics.n_users;
    metrics.chance += static_cast<double>(groups.n_others(user)) / static_cast<double>(n_items - masked.size(user));
    for (FoldingMetrics::AtK& at_k : metrics.at_k) {
      const std::span<const Row> best = list.first(std::min<std::size_t>(at_k.k, list.size()));
      const auto n_others =
          std::count_if(best.begin(), best.end(), [&](Row item) { return groups.is_other(user, item); });
      at_k.folding += static_cast<double>(n_others) / static_cast<double>(best.size());
    }
  };
  select_unseen(backend, scorer, std::move(users), seen, k, options.memory_bytes, take);
  if (metrics.n_users == 0) return;
  const auto n = static_cast<double>(metrics.n_users);
  metrics.chance /= n;
  for (FoldingMetrics::AtK& at_k : metrics.at_k) at_k.folding /= n;
}

// pairwise, from the ranks of a user's test items among the items of other groups alone. Of ranks r_1 < r_2 < ..., r_j
// counts the test item itself, j - 1 other test items and the items of other groups that score at least as high. A test
// item whose score is no number gets the last rank, so that others of its kind may be counted again: every pair is
// counted for it, and no more.
void measure_pairs(Backend& backend, const ItemScorer& scorer, const TestItems& test, const UserGroups& groups,
                   const std::vector<Row>& users, const EvaluateOptions& options, FoldingMetrics& metrics) {
  const OwnLists excluded(groups, test);
  std::vector<Row> compared;
  for (const Row user : users) {
    if (!test.list(user).empty() && excluded.n_competing(user) > 0) compared.push_back(user);
  }
  metrics.n_pairwise_users = compared.size();
  if (compared.empty()) return;
  rank_users(backend, scorer, std::move(compared), test, excluded, options.memory_bytes,
             [&](Row user, std::span<const std::uint32_t> ranks) {
               const std::uint64_t n_competing = excluded.n_competing(user);
               std::uint64_t n_pairs = 0;
               for (std::size_t j = 0; j < ranks.size(); ++j) {
                 n_pairs += std::min<std::uint64_t>(ranks[j] - (j + 1), n_competing);
               }
               metrics.pairwise += static_cast<double>(n_pairs) / static_cast<double>(ranks.size() * n_competing);
             });
  metrics.pairwise /= static_cast<double>(metrics.n_pairwise_users);
}

void check(const ItemScorer& scorer, const ItemGroups& groups, const EvaluateOptions& options) {
  if (groups.of_item.size() != scorer.item_vectors.rows) {
    throw UsageError(fmt::format("folding: groups of {} items are given for a model of {} items", groups.of_item.size(),
                                 scorer.item_vectors.rows));
  }
  if (options.cutoffs.empty()) throw UsageError("folding needs at least one cutoff K, for example 20");
  for (const std::uint32_t k : options.cutoffs) {
    if (k == 0 || k > kMaxTopK) throw UsageError(fmt::format("cutoff {} of folding: K is 1 to {}", k, kMaxTopK));
  }
}

}  // namespace

FoldingMetrics measure_folding(Backend& backend, const ItemScorer& scorer, const TestItems& test, const SeenItems& seen,
                               const ItemGroups& item_groups, const EvaluateOptions& options) {
  check(scorer, item_groups, options);
  FoldingMetrics metrics;
  for (const std::uint32_t k : options.cutoffs) metrics.at_k.push_back({k, 0});
  metrics.n_items_without_group = item_groups.n_without();
  const UserGroups groups(seen, item_groups, test.n_users());
  std::vector<Row> users;
  for (std::uint64_t u = 0; u < test.n_users(); ++u) {
    if (!groups.groups_of(static_cast<Row>(u)).empty()) users.push_back(static_cast<Row>(u));
  }
  measure_lists(backend, scorer, seen, groups, users, options, metrics);
  measure_pairs(backend, scorer, test, groups, users, options, metrics);
  metrics.n_users_skipped = test.n_users() - metrics.n_users;
  return metrics;
}

}  // namespace unfold
