#include "host/eval/full_ranking.hpp"

#include <algorithm>

#include "host/eval/metrics.hpp"

namespace unfold {

TestItems collect_test_items(const RatingView& test, const ItemLists& training, const ItemLists& validation,
                             std::uint64_t n_users, std::optional<double> relevant_rating) {
  const auto counts = [&](std::uint64_t n) {
    return test.users[n] != kNoRow && test.items[n] != kNoRow &&
           (!relevant_rating || static_cast<double>(test.ratings[n]) >= *relevant_rating);
  };
  TestItems result;
  // Counting sort by user: user u's items end up in [ends[u], ends[u + 1]).
  std::vector<std::uint64_t> ends(n_users + 1, 0);
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    if (counts(n)) ++ends[test.users[n] + std::uint64_t{1}];
  }
  for (std::uint64_t u = 0; u < n_users; ++u) ends[u + 1] += ends[u];
  result.items.resize(ends[n_users]);
  std::vector<std::uint64_t> next = ends;
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    if (counts(n)) result.items[next[test.users[n]]++] = test.items[n];
  }
  // Each list sorted, without repeats and what is masked, and moved up to the one before it.
  result.offsets.assign(1, 0);
  std::uint64_t n_kept = 0;
  for (std::uint64_t u = 0; u < n_users; ++u) {
    const auto first = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u]);
    const auto last = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u + 1]);
    std::sort(first, last);
    const auto user = static_cast<Row>(u);
    for (auto item = first; item != last; ++item) {
      if (item != first && *item == *(item - 1)) continue;
      if (training.contains(user, *item)) {
        ++result.n_in_training;
      } else if (validation.contains(user, *item)) {
        ++result.n_in_validation;
      } else {
        result.items[n_kept++] = *item;
      }
    }
    result.offsets.push_back(n_kept);
  }
  result.items.resize(n_kept);
  return result;
}

std::vector<Row> users_with(const TestItems& test) {
  std::vector<Row> users;
  for (std::uint64_t u = 0; u < test.n_users(); ++u) {
    if (!test.of(u).empty()) users.push_back(static_cast<Row>(u));
  }
  return users;
}

RankingMetrics ranking_metrics(ItemRanks& ranks, Scorer& scorer, const TestItems& test,
                               const std::vector<std::uint32_t>& cutoffs) {
  MetricMeans means(cutoffs);
  ranks.run(scorer, [&](Row, std::span<const std::uint32_t> of_user) { means.add_user(of_user); });
  RankingMetrics metrics = means.means();
  metrics.n_users_skipped = test.n_users() - metrics.n_users;
  metrics.n_test_in_training = test.n_in_training;
  metrics.n_test_in_validation = test.n_in_validation;
  return metrics;
}

}  // namespace unfold
