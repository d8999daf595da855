// Errors of predicted ratings, and their baseline.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/tables/arena.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {

// Errors on `test`, which outlives this, as often as they are asked for. Where the backend has memory of its own, the
// ratings are copied to it in parts each time, or once if they are `resident`; else they are read where they are.
class RatingErrors {
 public:
  RatingErrors(const Arena& arena, const RatingView& test, bool resident);
  RatingMetrics run(Scorer& scorer);

 private:
  struct Part {
    const Row *users, *items;
    const float* ratings;
  };
  // Ratings [first, first + n), in the backend's memory.
  Part part(std::uint64_t first, std::uint64_t n);
  void upload(const RatingView& ratings);

  Backend& backend_;
  RatingView test_;
  bool resident_;
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
