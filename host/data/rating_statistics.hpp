// Mean and spread of ratings.
#pragma once

#include <span>

namespace unfold {

struct RatingMoments {
  double mean;
  double variance;  // 1 where all ratings are equal
};

// Requires at least one.
RatingMoments rating_moments(std::span<const float> ratings);

}  // namespace unfold
