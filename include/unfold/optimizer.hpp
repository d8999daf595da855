// Sparse optimizers: what a row of a table does with its gradient. Rows without a gradient keep their bits.
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/host_device.hpp"
#include "unfold/random.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct StepVariables;

enum class OptimizerKind : std::uint8_t { kSgd, kAdagrad, kRowwiseAdagrad, kAdam };

// One step's constants. Where `now` is given, the learning rate, beta1 and the rounding key are those that it holds
// when an op runs (at_step of step_variables.hpp).
struct OptimizerStep {
  OptimizerKind kind = OptimizerKind::kAdagrad;
  float learning_rate = 0.05f;
  float beta1 = 0.9f;              // Adam: decay of the mean of gradients, [0, 1)
  float beta2 = 0.999f;            // Adam: decay of the mean of squared gradients, [0, 1)
  float epsilon = 1e-8f;           // added to the root in AdaGrad and Adam
  std::uint64_t rounding_key = 0;  // of the stochastic rounding of 16-bit tables: another for every step and table
  const StepVariables* now = nullptr;
  std::uint32_t rounding_table = 0;  // which of its rounding keys, 0 or 1
};

// A trainable table and its optimizer state, all in the backend's memory. The state is float32 and starts at zero.
//   kind            first                                  second                     steps
//   SGD             -                                      -                          -
//   AdaGrad         [n_rows, stride] sum of g^2            -                          -
//   row-wise        [n_rows] sum of mean(g^2)              -                          -
//   Adam            [n_rows, stride] mean of g             [n_rows, stride] of g^2    [n_rows] updates of the row
struct ParameterView {
  TableView weight;
  float* first = nullptr;
  float* second = nullptr;
  std::uint32_t* steps = nullptr;
};

// Elements of each state array for a table of `rows` rows with this stride.
struct OptimizerStateSize {
  std::uint64_t first = 0, second = 0, steps = 0;
  std::uint64_t bytes() const { return 4 * (first + second + steps); }
};
inline OptimizerStateSize optimizer_state_size(OptimizerKind kind, std::uint64_t rows, std::uint32_t stride) {
  switch (kind) {
    case OptimizerKind::kSgd:
      return {};
    case OptimizerKind::kAdagrad:
      return {rows * stride, 0, 0};
    case OptimizerKind::kRowwiseAdagrad:
      return {rows, 0, 0};
    case OptimizerKind::kAdam:
      return {rows * stride, rows * stride, rows};
  }
  return {};
}

// 16 random bits for each of the columns 8 * block .. 8 * block + 7 of a row that is rounded to 16 bits: column j of
// the block takes bits 16 * (j % 2) .. of v[j / 2]. `place` tells apart the roundings of a step: in RatingStep
// 2 * rating for user rows and 2 * rating + 1 for item rows, in UpdateRows 2 * row.
//
// Places 2 n and 2 n + 1 share one Philox block; the odd one takes its words in another order and rotated by 8 bits. So
// each column's bits are uniform over all 2^16 values, and no rounding has a bias. Its upper 8 bits, which alone decide
// 255 of 256 roundings, are its own; its lower 8 bits are the upper ones of another column in the other place's row.
// Whether these two are rounded up is not quite independent: their covariance is at most 2^-10, where a fair coin's
// variance is 2^-2, and their correlation at most 2^-4, as where a weight moves by less than 1 / 256 of its last bit.
// The roundings of one row are independent, and so are those of one column in both rows.
inline constexpr int kRoundingRounds = 7;  // of Philox
UNFOLD_HOST_DEVICE inline RandomBlock odd_place_bits(const RandomBlock& even) {
  RandomBlock odd;
  for (int k = 0; k < 4; ++k) odd.v[k] = even.v[k ^ 2] << 8 | even.v[k ^ 2] >> 24;
  return odd;
}
UNFOLD_HOST_DEVICE inline RandomBlock rounding_bits(std::uint64_t rounding_key, std::uint64_t place,
                                                    std::uint32_t block) {
  const RandomBlock bits = philox<kRoundingRounds>(rounding_key, place / 2, block);
  return place % 2 == 0 ? bits : odd_place_bits(bits);
}

// The update rules, one element at a time. `g` is the element's gradient, L2 included.

// w -= lr * g  (Robbins and Monro 1951)
UNFOLD_HOST_DEVICE inline float sgd_update(float w, float g, float learning_rate) { return w - learning_rate * g; }

// sum += g^2;  w -= lr * g / (sqrt(sum) + eps)  (Duchi et al., JMLR 2011)
UNFOLD_HOST_DEVICE inline float adagrad_update(float w, float g, float& sum, const OptimizerStep& step) {
  sum += g * g;
  return w - step.learning_rate * g / (sqrtf(sum) + step.epsilon);
}

// sum += mean over the row of g^2, once a row; then w -= scale * g for each element with
// scale = lr / (sqrt(sum) + eps)  (Gupta, Bengio and Weston 2014: one AdaGrad rate a row)
UNFOLD_HOST_DEVICE inline float rowwise_adagrad_scale(float mean_squared_gradient, float& sum,
                                                      const OptimizerStep& step) {
  sum += mean_squared_gradient;
  return step.learning_rate / (sqrtf(sum) + step.epsilon);
}

// Adam (Kingma and Ba, ICLR 2015, algorithm 1) with t counted per row: rows outside the batch do not decay.
// Both corrections depend on the row's t alone, so they are computed once a row.
struct AdamCorrection {
  float rate;         // lr / (1 - beta1^t)
  float second_root;  // 1 / sqrt(1 - beta2^t)
};
UNFOLD_HOST_DEVICE inline AdamCorrection adam_correction(std::uint32_t t, const OptimizerStep& step) {
  const float n = static_cast<float>(t);
  return {step.learning_rate / (1.0f - powf(step.beta1, n)), 1.0f / sqrtf(1.0f - powf(step.beta2, n))};
}
UNFOLD_HOST_DEVICE inline float adam_update(float w, float g, float& mean, float& mean_square,
                                            const AdamCorrection& correction, const OptimizerStep& step) {
  mean = step.beta1 * mean + (1.0f - step.beta1) * g;
  mean_square = step.beta2 * mean_square + (1.0f - step.beta2) * g * g;
  return w - correction.rate * mean / (sqrtf(mean_square) * correction.second_root + step.epsilon);
}

}  // namespace unfold
