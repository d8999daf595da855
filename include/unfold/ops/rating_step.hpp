// The fast update of biased matrix factorization: for each rating, score, gradient (rating_loss.hpp) and optimizer
// (optimizer.hpp) on the two rows and two biases that it touches, in place. Both rows' gradients are taken before
// either is changed.
// Order     ratings run in parallel. CUDA: those that share a row may lose updates (Hogwild: Niu, Recht, Re and Wright,
//           NIPS 2011). CPU: threads never share a row at the same time, so no update is lost and the result depends on
//           the number of threads alone; with one it is plain sequential SGD in batch order. A batch of runs comes cut
//           into parts, a part to a thread, and its result does not depend on the number of threads
// Bytes     a rating reads and writes 2 * (element_bytes * dim + 4), with state 2 * 4 * (dim + 1) more, and reads 12
// Workspace by batch.size, and by whether the batch comes in runs
#pragma once

#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/rating_loss.hpp"
#include "unfold/step_variables.hpp"

namespace unfold {

struct RatingStep {
  MfParameters parameters = {};  // updated with their state; biases where the loss uses them
  RatingBatch batch = {};        // its weights are not read
  RatingLoss loss = {};
  OptimizerStep step = {};  // one rounding key for both tables: the places of their roundings differ
  // [1] += sum of squared errors before the updates. May be NaN or infinite: that is how divergence shows.
  StepSum squared_error = {};
};

}  // namespace unfold
