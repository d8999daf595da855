#include "host/data/rating_statistics.hpp"

#include <cmath>

namespace unfold {

RatingMoments rating_moments(std::span<const float> ratings) {
  const auto n = static_cast<double>(ratings.size());
  double sum = 0, sum_of_squares = 0;
  for (const float rating : ratings) sum += static_cast<double>(rating);
  const double mean = sum / n;
  for (const float rating : ratings) sum_of_squares += std::pow(static_cast<double>(rating) - mean, 2);
  return {mean, sum_of_squares > 0 ? sum_of_squares / n : 1};
}

}  // namespace unfold
