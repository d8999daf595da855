// Predicted ratings of (user, item) pairs.
// Formula   predicted_rating(link.mean + b_u + b_i + p_u . q_i, link) of rating_loss.hpp
// Bytes     a pair reads 2 * (element_bytes * dim + 4) + 8 and writes 4
#pragma once

#include <cstdint>

#include "unfold/op_arguments.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold {

struct PredictRatings {
  MfParameters parameters = {};  // weights alone are read; biases may be null, which adds nothing
  const Row* users = nullptr;    // [n_pairs]; kNoRow contributes nothing: no bias and no factors
  const Row* items = nullptr;    // [n_pairs] likewise
  std::uint64_t n_pairs = 0;
  RatingLink link = {};         // from scores to ratings
  float* prediction = nullptr;  // [n_pairs]
};

}  // namespace unfold
