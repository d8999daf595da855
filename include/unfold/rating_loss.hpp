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

// What turns a score into a rating.
struct RatingLink {
  float mean = 0;   // added to every score, in score units
  float scale = 1;  // rating units a score unit, > 0; without a range
  bool has_range = false;
  float low = 0, high = 0;  // the range, low < high
};

struct RatingLoss {
  RatingLink link = {};
  float inverse_variance = 1;  // 1 / rating units^2, > 0
  float l2 = 0;                // of factors, >= 0
  float l2_bias = 0;           // of biases, >= 0
  bool use_bias = true;        // false: biases are neither read nor changed
};

UNFOLD_HOST_DEVICE inline float sigmoid(float x) {
  // Split by sign so that exp never overflows.
  const float e = expf(-fabsf(x));
  return x >= 0 ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

UNFOLD_HOST_DEVICE inline float predicted_rating(float score, const RatingLink& link) {
  return link.has_range ? link.low + (link.high - link.low) * sigmoid(score) : link.scale * score;
}

struct RatingGradient {
  float error;     // r' - r, in rating units
  float by_score;  // d(1/2 error^2 / variance) / d score
};
UNFOLD_HOST_DEVICE inline RatingGradient rating_gradient(float score, float rating, const RatingLoss& loss) {
  const RatingLink& link = loss.link;
  if (!link.has_range) {
    const float error = link.scale * score - rating;
    return {error, error * link.scale * loss.inverse_variance};
  }
  const float s = sigmoid(score);
  const float span = link.high - link.low;
  const float error = link.low + span * s - rating;
  return {error, error * span * s * (1.0f - s) * loss.inverse_variance};
}

}  // namespace unfold
