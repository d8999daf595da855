// The gradients of RatingStep, not applied.
// Formula   of rating n by its user's row by_score * q_i + l2 * p_u, by its item's row by_score * p_u + l2 * q_i, by a
//           bias by_score + l2_bias * b (rating_loss.hpp); zero by biases that are not used
// Order     *squared_error is added to in a fixed one: equal bits from run to run
// Bytes     a rating reads 2 * (element_bytes * dim + 4) + 12 and writes 2 * 4 * (dim + 1)
#pragma once

#include "unfold/matrix_view.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/rating_loss.hpp"
#include "unfold/step_variables.hpp"

namespace unfold {

struct RatingGradients {
  MfParameters parameters = {};  // weights alone are read
  RatingBatch batch = {};        // its weights are not read
  RatingLoss loss = {};
  MatrixView<float> user_gradient = {};  // [batch.size, dim], stride of the tables
  MatrixView<float> item_gradient = {};  // likewise
  float* user_bias_gradient = nullptr;   // [batch.size]
  float* item_bias_gradient = nullptr;   // [batch.size]
  StepSum squared_error = {};            // [1] += sum of squared errors
};

}  // namespace unfold
