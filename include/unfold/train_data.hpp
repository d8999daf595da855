// The data of a training run.
#pragma once

#include <cstdint>
#include <optional>

#include "unfold/ratings.hpp"

namespace unfold {

struct ItemGroups;
struct SeenItems;

// Rows of `train` are in range; `validation` may hold kNoRow, and may be empty.
struct TrainData {
  RatingView train;
  RatingView validation;
  std::uint32_t n_users = 0;
  std::uint32_t n_items = 0;
  const ItemGroups* groups = nullptr;       // of all items; for group_batches
  const SeenItems* seen = nullptr;          // of `train`; null: made where the model needs it
  std::optional<float> positive_from = {};  // the least rating of a positive; else the family finds it in `train`
};

}  // namespace unfold
