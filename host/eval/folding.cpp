#include "host/eval/folding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/eval/user_groups.hpp"
#include "host/score/top_items.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// folding@K and chance.
void measure_lists(Backend& backend, Scorer& scorer, const SeenItems& seen, const UserGroups& groups,
                   const std::vector<Row>& users, const EvaluateOptions& options, FoldingMetrics& metrics) {
  const std::uint64_t n_items = scorer.n_items();
  const std::uint32_t k = *std::max_element(options.cutoffs.begin(), options.cutoffs.end());
  const JoinedLists masked = masked_in_test(seen);
  TopItems best(Arena(backend), scorer, users, masked, k, options.memory_bytes);
  best.run(scorer, [&](std::uint64_t n, std::span<const Row> list, std::span<const float>) {
    const Row user = users[n];
    if (list.empty()) return;
    ++metrics.n_users;
    metrics.chance += static_cast<double>(groups.n_others(user)) / static_cast<double>(n_items - masked.size(user));
    for (FoldingMetrics::AtK& at_k : metrics.at_k) {
      const std::span<const Row> first = list.first(std::min<std::size_t>(at_k.k, list.size()));
      const auto n_others = std::ranges::count_if(first, [&](Row item) { return groups.is_other(user, item); });
      at_k.folding += static_cast<double>(n_others) / static_cast<double>(first.size());
    }
  });
  if (metrics.n_users == 0) return;
  const auto n = static_cast<double>(metrics.n_users);
  metrics.chance /= n;
  for (FoldingMetrics::AtK& at_k : metrics.at_k) at_k.folding /= n;
}

// pairwise, from the ranks of a user's test items among the items of other groups alone. Of ranks r_1 < r_2 < ..., r_j
// counts the test item itself, j - 1 other test items and the items of other groups that score at least as high. A test
// item whose score is no number gets the last rank, so that others of its kind may be counted again: every pair is
// counted for it, and no more.
void measure_pairs(Backend& backend, Scorer& scorer, const TestItems& test, const UserGroups& groups,
                   const std::vector<Row>& users, const EvaluateOptions& options, FoldingMetrics& metrics) {
  const OwnLists excluded(groups, test);
  std::vector<Row> compared;
  for (const Row user : users) {
    if (!test.of(user).empty() && excluded.n_competing(user) > 0) compared.push_back(user);
  }
  metrics.n_pairwise_users = compared.size();
  if (compared.empty()) return;
  ItemRanks item_ranks(Arena(backend), scorer, std::move(compared), test, excluded, options.memory_bytes);
  item_ranks.run(scorer, [&](Row user, std::span<const std::uint32_t> ranks) {
    const std::uint64_t n_competing = excluded.n_competing(user);
    std::uint64_t n_pairs = 0;
    for (std::size_t j = 0; j < ranks.size(); ++j) {
      n_pairs += std::min<std::uint64_t>(ranks[j] - (j + 1), n_competing);
    }
    metrics.pairwise += static_cast<double>(n_pairs) / static_cast<double>(ranks.size() * n_competing);
  });
  metrics.pairwise /= static_cast<double>(metrics.n_pairwise_users);
}

void check(Scorer& scorer, const ItemGroups& groups, const EvaluateOptions& options) {
  if (groups.of_item.size() != scorer.n_items()) {
    throw UsageError(fmt::format("folding: groups of {} items are given for a model of {} items", groups.of_item.size(),
                                 scorer.n_items()));
  }
  if (options.cutoffs.empty()) throw UsageError("folding needs at least one cutoff K, for example 20");
  for (const std::uint32_t k : options.cutoffs) {
    if (k == 0 || k > kMaxTopK) throw UsageError(fmt::format("cutoff {} of folding: K is 1 to {}", k, kMaxTopK));
  }
}

}  // namespace

FoldingMetrics measure_folding(Backend& backend, Scorer& scorer, const TestItems& test, const SeenItems& seen,
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
