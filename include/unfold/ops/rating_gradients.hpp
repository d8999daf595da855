// What a batch of ratings says about the rows of one side, its users or its items: RatingStep's gradients summed for
// each distinct row, not applied. The rows of the other side take theirs from by_score (UpdateRows with RowGradients of
// their partners' rows), so no gradient of a single rating is ever written.
// Formula   by_score[n] = d loss / d score of rating n (rating_loss.hpp); for the s-th distinct row r of `sorted`, over
//           its ratings n with the other side's rows o(n):
//           gradient[s] = sum of by_score[n] * other[o(n)] + l2 * own[r], bias_gradient[s] = sum of by_score[n] +
//           l2_bias * b[r]; without biases bias_gradient is not written
// Order     a row's ratings in that of the batch, and *squared_error in a fixed one: equal bits from run to run
// Bytes     a rating reads element_bytes * dim + 4 of the other side and 12, and writes 4; a distinct row reads
//           element_bytes * dim + 4 and writes 4 * (dim + 1)
// Workspace by batch.size
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
  RatingSide side = {};             // whose rows are summed for
  SortedRows sorted = {};           // of batch.users or batch.items, that of `side`
  float* by_score = nullptr;        // [batch.size]
  MatrixView<float> gradient = {};  // [distinct rows, dim], stride of the tables
  float* bias_gradient = nullptr;   // [distinct rows]
  StepSum squared_error = {};       // [1] += sum of squared errors
};

}  // namespace unfold
