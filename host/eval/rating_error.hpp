// The baseline of rating errors.
#pragma once

#include "unfold/evaluate.hpp"

namespace unfold {

// Every rating is predicted to be the item's mean training rating, or the mean of all training ratings for an unknown
// item.
RatingMetrics evaluate_item_means(const RatingView& test, const SeenItems& seen);

}  // namespace unfold
