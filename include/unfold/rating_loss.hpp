// The squared error of biased matrix factorization and its gradient (Koren, Bell and Volinsky, Matrix
// Factorization Techniques for Recommender Systems, IEEE Computer 2009, eq. 4 and 5).
//
//   score      s = mean + b_u + b_i + p_u.q_i
//   prediction r' = scale * s, or with a range lo:hi  r' = lo + (hi - lo) * sigmoid(s)
//   objective  sum over ratings of
//              1/2 (r' - r)^2 / variance + l2/2 (|p_u|^2 + |q_i|^2) + l2_bias/2 (b_u^2 + b_i^2)
//
// Training sets variance to that of the training ratings and scale to its root, so that learning rates and
// penalties mean the same for ratings from 1 to 5 and from 0 to 100.
//
// This is the one meaning of L2 here, for every optimizer: each rating adds l2 * row to the gradient of the two
// rows it touches, before the optimizer sees it. A row is thus penalised in proportion to its ratings.
#pragma once

#include <cmath>

#include "unfold/host_device.hpp"

namespace unfold {

struct RatingLoss {
  float mean = 0;              // added to every score, in score units
  float scale = 1;             // rating units a score unit, > 0; without a range
  float inverse_variance = 1;  // 1 / rating units^2, > 0
  bool has_range = false;
  float low = 0, high = 0;  // the range, low < high
  float l2 = 0;             // of factors, >= 0
  float l2_bias = 0;        // of biases, >= 0
  bool use_bias = true;     // false: biases are neither read nor changed
};

UNFOLD_HOST_DEVICE inline float sigmoid(float x) {
  // Split by sign so that exp never overflows.
  const float e = expf(-fabsf(x));
  return x >= 0 ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

UNFOLD_HOST_DEVICE inline float predicted_rating(float score, const RatingLoss& loss) {
  return loss.has_range ? loss.low + (loss.high - loss.low) * sigmoid(score) : loss.scale * score;
}

struct RatingGradient {
  float error;     // r' - r, in rating units
  float by_score;  // d(1/2 error^2 / variance) / d score
};
UNFOLD_HOST_DEVICE inline RatingGradient rating_gradient(float score, float rating, const RatingLoss& loss) {
  if (!loss.has_range) {
    const float error = loss.scale * score - rating;
    return {error, error * loss.scale * loss.inverse_variance};
  }
  const float s = sigmoid(score);
  const float span = loss.high - loss.low;
  const float error = loss.low + span * s - rating;
  return {error, error * span * s * (1.0f - s) * loss.inverse_variance};
}

}  // namespace unfold
