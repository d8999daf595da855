// Errors of predicted ratings, and their baseline.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/tables/arena.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {

// Errors on `test`, which outlives this, as often as they are asked for.
class RatingErrors {
 public:
  RatingErrors(const Arena& arena, const RatingView& test);
  RatingMetrics run(Scorer& scorer);

 private:
  Backend& backend_;
  RatingView test_;
  std::uint64_t batch_;
  DeviceArray<Row> users_, items_;
  DeviceArray<float> ratings_, predictions_;
  DeviceArray<double> sums_;
  DeviceArray<std::byte> workspace_;
};

// Every rating is predicted to be the item's mean training rating, or the mean of all training ratings for an unknown
// item.
RatingMetrics evaluate_item_means(const RatingView& test, const SeenItems& seen);

}  // namespace unfold
