// RMSE and MAE of predictions, one rating after the other.
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/evaluate.hpp"

namespace unfold {

class RatingErrorSums {
 public:
  void add(float predicted, float rating) {
    const double error = static_cast<double>(predicted) - static_cast<double>(rating);
    squared_ += error * error;
    absolute_ += std::abs(error);
    ++n_;
  }
  // Zeros where nothing was added.
  RatingMetrics metrics() const;

 private:
  double squared_ = 0, absolute_ = 0;
  std::uint64_t n_ = 0;
};

// The baseline: every rating is predicted to be the item's mean training rating, or the mean of all training
// ratings for an unknown item.
RatingMetrics evaluate_item_means(const RatingView& test, const SeenItems& seen);

}  // namespace unfold
