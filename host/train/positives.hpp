// What a model is trained on: of model softmax, the ratings that say yes.
#pragma once

#include <optional>

#include "unfold/ratings.hpp"
#include "unfold/train.hpp"

namespace unfold {

class Positives {
 public:
  // `train` outlives this. Requires validate(options). Throws DataError where nothing is left.
  Positives(const TrainOptions& options, const RatingView& train);

  // `train` itself where there is no floor, and for mf.
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
