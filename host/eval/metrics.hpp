// Ranking metrics of one user, from the ranks of the user's relevant items, and their means over users.
// docs/metrics.md has the formulas with worked examples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/evaluate.hpp"

namespace unfold {

// Sums in double, in the order users are added: equal bits for equal input.
class MetricMeans {
 public:
  // Throws UsageError where there is no cutoff or one is 0.
  explicit MetricMeans(const std::vector<std::uint32_t>& cutoffs);

  // `ranks` of all relevant items of a user, ascending, 1-based, at least one.
  void add_user(std::span<const std::uint32_t> ranks);

  // n_users, n_test_items, mrr and at_k are filled in; all means are 0 without users.
  RankingMetrics means() const;

 private:
  void add_at_k(std::span<const std::uint32_t> ranks, RankingMetrics::AtK& sums);
  double ideal_dcg(std::uint64_t n_hits);

  RankingMetrics sums_;
  std::vector<double> ideal_dcg_;  // [j]: the DCG of j relevant items on the first j ranks; grows as needed
};

}  // namespace unfold
