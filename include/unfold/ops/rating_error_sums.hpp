// Sums of squared and of absolute errors, in double.
// Order     depends on n_ratings and the backend alone
// Bytes     8 * n_ratings
// Workspace by n_ratings
#pragma once

#include <cstdint>

namespace unfold {

struct RatingErrorSums {
  const float* prediction = nullptr;  // [n_ratings]
  const float* rating = nullptr;      // [n_ratings]
  std::uint64_t n_ratings = 0;
  // [2]: [0] += sum of (prediction - rating)^2, [1] += sum of |prediction - rating|
  double* sums = nullptr;
};

}  // namespace unfold
