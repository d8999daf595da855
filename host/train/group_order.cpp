#include "host/train/group_order.hpp"

#include <algorithm>
#include <numeric>

namespace unfold {

GroupedRatings group_ratings(const RatingView& ratings, const std::vector<float>& weights, const ItemGroups& groups) {
  const auto n_groups = static_cast<std::uint32_t>(groups.names.size());
  const auto group_of = [&](std::uint64_t n) { return std::min(groups.of_item[ratings.items[n]], n_groups); };
  std::vector<std::uint64_t> begin(n_groups + std::uint64_t{2});
  for (std::uint64_t n = 0; n < ratings.size(); ++n) ++begin[group_of(n) + std::uint64_t{1}];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());

  std::vector<std::uint64_t> next(begin), order(ratings.size());
  for (std::uint64_t n = 0; n < ratings.size(); ++n) order[next[group_of(n)]++] = n;
  RatingWriter writer = RatingWriter::temporary(ratings.has_times());
  std::vector<float> ordered_weights;
  ordered_weights.reserve(weights.size());
  for (const std::uint64_t n : order) {
    writer.append(ratings[n]);
    if (!weights.empty()) ordered_weights.push_back(weights[n]);
  }
  begin.pop_back();
  return {writer.finish(), std::move(ordered_weights), std::move(begin)};
}

}  // namespace unfold
