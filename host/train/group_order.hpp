// Ratings in the order of their items' groups, for batches of one group each.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/item_groups.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

struct GroupedRatings {
  Ratings ratings;                   // in a temporary file; in a group in the order they had
  std::vector<float> weights;        // in the same order
  std::vector<std::uint64_t> first;  // ascending: where each group begins; items without a group come last, as one
};

// `weights` of the ratings, or none.
GroupedRatings group_ratings(const RatingView& ratings, const std::vector<float>& weights, const ItemGroups& groups);

}  // namespace unfold
