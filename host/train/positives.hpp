// What a model is trained on: ratings that say yes, where lower ones say no.
#pragma once

#include <optional>

#include "unfold/ratings.hpp"

namespace unfold {

class Positives {
 public:
  // Those of `train` from `floor` on, or all. `train` outlives this. Throws DataError where nothing is left.
  Positives(const std::optional<float>& floor, const RatingView& train);

  // `train` itself where there is no floor.
  const RatingView& view() const { return view_; }
  // The least rating of a positive, where lower ones were left out.
  const std::optional<float>& floor() const { return floor_; }
  // Whether view() is a copy, in mapped files.
  bool is_copy() const { return kept_.size() > 0; }

 private:
  std::optional<float> floor_;
  Ratings kept_;
  RatingView view_;
};

}  // namespace unfold
