#include "host/data/alias_table.hpp"

#include <algorithm>
#include <numeric>

namespace unfold {

AliasTable::AliasTable(std::span<const double> weights) : slots_(weights.size()) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto n = static_cast<std::uint32_t>(weights.size());
  // A slot's weight over the mean weight. Slots under 1 are filled up from one that is over.
  std::vector<double> share(n);
  std::vector<std::uint32_t> under, over;
  for (std::uint32_t i = 0; i < n; ++i) {
    share[i] = weights[i] / total * n;
    slots_[i].other = i;
    (share[i] < 1 ? under : over).push_back(i);
  }
  while (!under.empty() && !over.empty()) {
    const std::uint32_t small = under.back();
    const std::uint32_t large = over.back();
    under.pop_back();
    slots_[small] = {share[small], large};
    share[large] -= 1 - share[small];
    if (share[large] >= 1) continue;
    over.pop_back();
    under.push_back(large);
  }
  // What is left has a share of 1 but for rounding, and keeps its own position. Rounding must not let a weight of 0
  // be drawn, though.
  const auto heaviest = static_cast<std::uint32_t>(std::ranges::max_element(weights) - weights.begin());
  for (const std::uint32_t rest : under) {
    if (weights[rest] == 0) slots_[rest] = {0, heaviest};
  }
}

}  // namespace unfold
