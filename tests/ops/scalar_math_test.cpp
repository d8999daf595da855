// The scalar maths that every implementation shares: losses against finite differences, optimizers against their
// defining properties.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "unfold/optimizer.hpp"
#include "unfold/random.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold {
namespace {

double objective(double score, double rating, const RatingLoss& loss) {
  const double low = static_cast<double>(loss.link.low), span = static_cast<double>(loss.link.high) - low;
  const double prediction =
      loss.link.has_range ? low + span / (1 + std::exp(-score)) : static_cast<double>(loss.link.scale) * score;
  return 0.5 * (prediction - rating) * (prediction - rating) * static_cast<double>(loss.inverse_variance);
}

TEST(RatingLoss, GradientIsTheFiniteDifference) {
  RatingLoss plain, scaled, ranged, ranged_scaled;
  scaled.link.scale = 12.5f;
  scaled.inverse_variance = 1 / (12.5f * 12.5f);
  ranged.link.has_range = true;
  ranged.link.low = 0.5f;
  ranged.link.high = 5.5f;
  ranged_scaled = ranged;
  ranged_scaled.inverse_variance = 0.25f;
  constexpr double kStep = 1e-4;
  for (const RatingLoss& loss : {plain, scaled, ranged, ranged_scaled}) {
    for (const double score : {-30.0, -3.0, -0.1, 0.0, 0.7, 4.0, 30.0}) {
      for (const double rating : {1.0, 3.5, 5.0}) {
        const double difference =
            (objective(score + kStep, rating, loss) - objective(score - kStep, rating, loss)) / (2 * kStep);
        const RatingGradient gradient = rating_gradient(static_cast<float>(score), static_cast<float>(rating), loss);
        // Float rounding of terms as large as the prediction, and the difference's own step^2 error.
        const double scale = std::abs(score) * static_cast<double>(loss.link.scale) + rating + 6;
        EXPECT_NEAR(static_cast<double>(gradient.by_score), difference, 4e-6 * scale)
            << "score " << score << " rating " << rating << " range " << loss.link.has_range;
        EXPECT_FLOAT_EQ(gradient.error,
                        predicted_rating(static_cast<float>(score), loss.link) - static_cast<float>(rating));
      }
    }
  }
}

TEST(RatingLoss, SigmoidNeverOverflows) {
  EXPECT_EQ(sigmoid(1e30f), 1.0f);
  EXPECT_EQ(sigmoid(-1e30f), 0.0f);
  EXPECT_EQ(sigmoid(0.0f), 0.5f);
  EXPECT_FLOAT_EQ(sigmoid(2.0f) + sigmoid(-2.0f), 1.0f);
}

TEST(Optimizer, AdagradStepShrinksAsOneOverTheRoot) {
  const OptimizerStep step{OptimizerKind::kAdagrad, 0.1f, 0.9f, 0.999f, 1e-12f};
  float sum = 0, weight = 0;
  for (int n = 1; n <= 100; ++n) {
    const float next = adagrad_update(weight, 2.0f, sum, step);
    // sum = 4 n, so the step is 0.1 * 2 / (2 sqrt(n)).
    EXPECT_NEAR(static_cast<double>(weight - next), 0.1 / std::sqrt(n), 1e-6);
    weight = next;
  }
}

TEST(Optimizer, RowwiseAdagradIsAdagradWhereTheRowIsOneColumn) {
  const OptimizerStep step{OptimizerKind::kRowwiseAdagrad, 0.1f, 0.9f, 0.999f, 1e-8f};
  float sum = 0, row_sum = 0, weight = 1, row_weight = 1;
  for (const float gradient : {0.5f, -1.0f, 3.0f}) {
    weight = adagrad_update(weight, gradient, sum, step);
    row_weight -= rowwise_adagrad_scale(gradient * gradient, row_sum, step) * gradient;
    EXPECT_FLOAT_EQ(weight, row_weight);
  }
}

TEST(Optimizer, AdamsFirstStepIsTheLearningRateWhateverTheGradient) {
  const OptimizerStep step{OptimizerKind::kAdam, 0.01f, 0.9f, 0.999f, 1e-12f};
  for (const float gradient : {1e-3f, 1.0f, -50.0f}) {
    float mean = 0, square = 0;
    const float weight = adam_update(0.0f, gradient, mean, square, adam_correction(1, step), step);
    EXPECT_NEAR(static_cast<double>(weight), gradient > 0 ? -0.01 : 0.01, 1e-7);
  }
}

TEST(Optimizer, AdamFollowsADoublePrecisionRun) {
  const OptimizerStep step{OptimizerKind::kAdam, 0.01f, 0.9f, 0.99f, 1e-8f};
  float weight = 0, mean = 0, square = 0;
  double w = 0, m = 0, v = 0;
  for (std::uint32_t t = 1; t <= 2000; ++t) {
    const float gradient = uniform_float(philox(1, t, 0).v[0]) - 0.4f;
    const auto g = static_cast<double>(gradient);
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    w -= 0.01 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.99, t))) + 1e-8);
    weight = adam_update(weight, gradient, mean, square, adam_correction(t, step), step);
  }
  // 2000 steps of at most 0.02, each rounded at 2^-24 of a weight below 20 or of its own size a few times over.
  EXPECT_NEAR(static_cast<double>(weight), w, 2000 * (20 * 0x1p-24 + 0.02 * 16 * 0x1p-24));
}

TEST(Optimizer, NoGradientNoStateNoChange) {
  for (const float weight : {0.0f, 1.5f}) {
    const OptimizerStep step;
    float sum = 0, mean = 0, square = 0;
    EXPECT_EQ(adagrad_update(weight, 0.0f, sum, step), weight);
    EXPECT_EQ(adam_update(weight, 0.0f, mean, square, adam_correction(1, step), step), weight);
    EXPECT_EQ(sgd_update(weight, 0.0f, 0.5f), weight);
  }
}

TEST(Philox, KnownAnswers) {
  // From the authors' test vectors (Random123, kat_vectors): philox4x32, 10 rounds.
  const RandomBlock zeros = philox(0, 0, 0);
  EXPECT_EQ(zeros.v[0], 0x6627e8d5u);
  EXPECT_EQ(zeros.v[1], 0xe169c58du);
  EXPECT_EQ(zeros.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zeros.v[3], 0x9b00dbd8u);
  const RandomBlock ones = philox(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.v[0], 0x408f276du);
  EXPECT_EQ(ones.v[1], 0x41c83b0eu);
  EXPECT_EQ(ones.v[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.v[3], 0x6d5451fdu);
  // 7 rounds.
  const RandomBlock few_zeros = philox<7>(0, 0, 0), few_ones = philox<7>(~0ull, ~0ull, ~0ull);
  constexpr std::uint32_t kZeros[] = {0x5f6fb709u, 0x0d893f64u, 0x4f121f81u, 0x4f730a48u};
  constexpr std::uint32_t kOnes[] = {0x5207ddc2u, 0x45165e59u, 0x4d8ee751u, 0x8c52f662u};
  EXPECT_TRUE(std::ranges::equal(few_zeros.v, kZeros));
  EXPECT_TRUE(std::ranges::equal(few_ones.v, kOnes));
}

TEST(Random, UniformBelowReachesEveryValueAlike) {
  std::vector<int> counts(7);
  for (std::uint64_t n = 0; n < 70000; ++n) {
    const RandomBlock random = philox(3, n, 0);
    ++counts[uniform_below(random.v[0], random.v[1], counts.size())];
  }
  // Binomial(70000, 1/7): standard deviation 93; five of them.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 465);
}

}  // namespace
}  // namespace unfold
