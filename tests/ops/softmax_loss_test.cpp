// The scalar maths of sampled softmax and hard negatives, and its float64 reference, against finite differences.
#include "unfold/softmax_loss.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "host/selfcheck/hard_negative_reference.hpp"
#include "host/selfcheck/softmax_inputs.hpp"

namespace unfold {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kUnit = selfcheck::kUnitRoundoff;

std::vector<SoftmaxLoss> softmax_losses() {
  std::vector<SoftmaxLoss> out;
  for (const float ratio : {1.0f, 0.4f, 2.5f})
    for (const float weight : {1.0f, 0.7f, 3.0f})
      for (const bool in_denominator : {true, false})
        out.push_back({SoftmaxLossKind::kSoftmax, ratio, weight, in_denominator, 0, 0});
  out.push_back({SoftmaxLossKind::kSoftmax, 1, 1, true, -3.5f, 0});
  out.push_back({SoftmaxLossKind::kSoftmax, 0.4f, 3, true, 1.25f, 0});
  return out;
}

double objective(double score, double log_sum, double inverse, const SoftmaxLoss& loss) {
  const double logit = score * inverse, others = log_sum + static_cast<double>(loss.log_denominator_share);
  const double high = std::max(logit, others);
  const double log_z =
      loss.positive_in_denominator ? high + std::log(std::exp(logit - high) + std::exp(others - high)) : log_sum;
  return static_cast<double>(loss.negative_weight) * log_z - static_cast<double>(loss.positive_ratio) * logit;
}

TEST(SoftmaxLossTest, TermsAreTheLossAndItsFiniteDifferences) {
  constexpr double kStep = 1e-4;
  for (const SoftmaxLoss& loss : softmax_losses()) {
    for (const float score : {-4.0f, -0.3f, 0.0f, 1.0f, 12.0f}) {
      for (const float log_sum : {-20.0f, -1.0f, 0.5f, 7.0f, 90.0f}) {
        for (const float inverse : {0.5f, 1.0f, 12.0f}) {
          const SoftmaxTerms terms = softmax_terms(score, log_sum, inverse, loss);
          const double s = score, l = log_sum, i = inverse;
          const auto value = [&](double ds, double dl, double di) { return objective(s + ds, l + dl, i + di, loss); };
          const auto slope = [&](double ds, double dl, double di) {
            return (value(ds, dl, di) - value(-ds, -dl, -di)) / (2 * kStep);
          };
          // A share of Z is the exponential of a difference of logits, so their roundings count as its own; a
          // difference quotient is off by a third derivative, at most 1 in the logit, and by float64's roundings.
          const double factors = loss.negative_weight + loss.positive_ratio;
          const double rounding = 16 * kUnit * factors * (5 + std::abs(s * i) + std::abs(l));
          const auto tolerance = [&](double by) {
            return rounding * by + factors * by * by * by * kStep * kStep +
                   8 * 0x1p-53 * factors * (1 + std::abs(s * i) + std::abs(l)) / kStep;
          };
          SCOPED_TRACE(testing::Message() << "score " << s << " log sum " << l << " inverse " << i << " ratio "
                                          << loss.positive_ratio << " weight " << loss.negative_weight);
          EXPECT_NEAR(terms.loss, value(0, 0, 0), rounding);
          EXPECT_NEAR(terms.by_positive, slope(kStep, 0, 0), tolerance(i));
          EXPECT_NEAR(terms.by_log_sum, slope(0, kStep, 0), tolerance(1));
          EXPECT_NEAR(terms.by_inverse, slope(0, 0, kStep), tolerance(std::abs(s)));
        }
      }
    }
  }
}

TEST(SoftmaxLossTest, WithoutNegativesOnlyThePositiveInTheDenominatorPulls) {
  for (const SoftmaxLoss& loss : softmax_losses()) {
    const SoftmaxTerms terms = softmax_terms(1.5f, -std::numeric_limits<float>::infinity(), 2, loss);
    const double pull =
        loss.positive_in_denominator ? static_cast<double>(loss.negative_weight - loss.positive_ratio) : 0.0;
    EXPECT_NEAR(terms.loss, 3 * pull, 1e-6);
    EXPECT_NEAR(terms.by_positive, 2 * pull, 1e-6);
    EXPECT_NEAR(terms.by_inverse, 1.5 * pull, 1e-6);
    EXPECT_EQ(terms.by_log_sum, 0.0f);
  }
}

TEST(SoftmaxLossTest, LargeLogitsDoNotOverflow) {
  for (const SoftmaxLoss& loss : softmax_losses()) {
    for (const float score : {-1000.0f, 1000.0f}) {
      const SoftmaxTerms terms = softmax_terms(score, 20000, 20, loss);
      for (const float x : {terms.loss, terms.by_positive, terms.by_log_sum, terms.by_inverse})
        EXPECT_TRUE(std::isfinite(x));
    }
  }
  EXPECT_EQ(softplus(1e30f), 1e30f);
  EXPECT_EQ(softplus(-1e30f), 0.0f);
}

TEST(SoftmaxLossTest, SoftplusIsTheLogarithmOfOnePlusTheExponential) {
  for (const double x : {-30.0, -3.0, -0.1, 0.0, 0.4, 5.0, 40.0}) {
    const double expected = std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    EXPECT_NEAR(softplus(static_cast<float>(x)), expected, 8 * kUnit * (expected + std::abs(x)));
  }
}

TEST(SoftmaxLossTest, PositivesNearTheThresholdCountHalf) {
  SoftmaxLoss loss;
  loss.weight_temperature = 0.5f;
  EXPECT_FLOAT_EQ(positive_weight(2, 2, loss), 0.5f);
  EXPECT_FLOAT_EQ(positive_weight(3, 2, loss), 1 / (1 + std::exp(-2.0f)));
  EXPECT_LT(positive_weight(-20, 2, loss), 1e-6f);
}

// The reference itself: each gradient is the derivative of its loss, biases, temperature and normalization included.
// Inputs and steps are whole multiples of 2^-8, exact in float32, and the loss is float64.
class ReferenceGradients {
 public:
  explicit ReferenceGradients(const selfcheck::HostSoftmax& c) : c_(c) {}

  void expect(const char* what, float& input, double gradient) const {
    const double coarse = slope(input, 0x1p-7f), fine = slope(input, 0x1p-8f);
    // Halving the step divides the quotient's error by 4: three times what is left is what went.
    const double tolerance = 2 * std::abs(coarse - fine) + 0x1p-36;
    EXPECT_NEAR(fine, gradient, tolerance) << what;
  }

 private:
  double slope(float& input, float step) const {
    const float at = input;
    input = at + step;
    const double above = selfcheck::reference_sampled_softmax(c_).loss.value;
    input = at - step;
    const double below = selfcheck::reference_sampled_softmax(c_).loss.value;
    input = at;
    return (above - below) / (2 * static_cast<double>(step));
  }
  const selfcheck::HostSoftmax& c_;
};

TEST(SoftmaxLossTest, TheReferencesGradientsAreFiniteDifferences) {
  using namespace selfcheck;
  std::vector<SoftmaxLoss> losses = softmax_losses();
  losses.push_back({.kind = SoftmaxLossKind::kBpr});
  std::mt19937_64 random(3);
  for (std::size_t k = 0; k < losses.size(); ++k) {
    const SoftmaxSizes shape{4, 6, 3, 3, 3, TableType::kFloat32};
    HostSoftmax c = random_softmax(random, shape, {.normalize = k % 2 == 0}, losses[k]);
    c.log_temperature = -0.75f;
    for (std::vector<float>* values : {&c.queries.values, &c.positives.values, &c.shared.values, &c.items.values,
                                       &c.positive_bias, &c.shared_bias, &c.item_bias})
      for (float& x : *values) x = std::round(x * 256) / 256;
    const ReferenceSoftmax got = reference_sampled_softmax(c);
    const ReferenceGradients gradients(c);
    for (std::size_t n = 0; n < c.queries.values.size(); ++n) {
      gradients.expect("query", c.queries.values[n], got.queries[n].value);
      gradients.expect("positive", c.positives.values[n], got.positives[n].value);
    }
    for (std::size_t n = 0; n < c.shared.values.size(); ++n)
      gradients.expect("shared", c.shared.values[n], got.shared[n].value);
    for (std::size_t b = 0; b < c.n_queries(); ++b)
      gradients.expect("positive bias", c.positive_bias[b], got.positive_bias[b].value);
    for (std::size_t j = 0; j < c.shared_rows.size(); ++j)
      gradients.expect("shared bias", c.shared_bias[j], got.shared_bias[j].value);
    // An item's gradient is the sum over the places where it is a negative; that of zeros has no direction.
    for (Row item = 0; item < kSoftmaxItems; ++item) {
      std::vector<double> by_row(shape.dim);
      double by_bias = 0;
      for (std::size_t place = 0; place < c.own_rows.size(); ++place) {
        if (c.own_rows[place] != item) continue;
        for (std::uint32_t d = 0; d < shape.dim; ++d) by_row[d] += got.own[place * shape.dim + d].value;
        by_bias += got.own_bias[place].value;
      }
      gradients.expect("item bias", c.item_bias[item], by_bias);
      const bool is_zero = c.normalize && c.items.at(item, 0) == 0 && c.items.at(item, 1) == 0;
      for (std::uint32_t d = 0; d < shape.dim && !is_zero; ++d)
        gradients.expect("item", c.items.at(item, d), by_row[d]);
    }
    double by_log_temperature = 0;
    for (const Bounded& x : got.log_temperature) by_log_temperature += x.value;
    gradients.expect("log temperature", c.log_temperature, by_log_temperature);
  }
}

TEST(Dropout, NumbersDifferBetweenRowsColumnsAndSteps) {
  const RandomKey key{7, 3, 0}, next_step{7, 4, 0}, next_row{7, 3, 1};
  std::vector<std::uint32_t> bits;
  for (std::uint64_t n = 0; n < 8; ++n)
    for (std::uint32_t c = 0; c < 1024; ++c) bits.push_back(dropout_bits(key, n, c));
  for (std::uint32_t c = 0; c < 1024; ++c) {
    EXPECT_EQ(dropout_bits(next_row, 0, c), bits[1024 + c]);
    bits.push_back(dropout_bits(next_step, 0, c));
  }
  std::ranges::sort(bits);
  // 9216 numbers of 32 bits: 0.01 pairs of equal ones are expected.
  EXPECT_EQ(std::ranges::adjacent_find(bits), bits.end());
}

TEST(Gumbel, HasItsDistributionAndIsFinite) {
  float last = -std::numeric_limits<float>::infinity();
  for (std::uint64_t k = 0; k <= 1 << 16; ++k) {
    const auto bits = static_cast<std::uint32_t>(std::min<std::uint64_t>(k << 16, 0xFFFFFFFFu));
    const float g = gumbel(bits);
    ASSERT_TRUE(std::isfinite(g)) << bits;
    EXPECT_GE(g, last) << bits;
    last = g;
    // The distribution function at g is u, which is a step of 2^-23 wide; g is rounded, at slopes of at most 0.37.
    const double u = std::exp(-std::exp(-static_cast<double>(g)));
    EXPECT_NEAR(u, bits * 0x1p-32, 0x1p-23 + 8 * kUnit * (1 + std::abs(static_cast<double>(g)))) << bits;
  }
  for (std::uint32_t n = 0; n < 2048; ++n)
    EXPECT_TRUE(std::isfinite(gumbel(0xFFFFFFFFu - n)) && std::isfinite(gumbel(n)));
}

TEST(HardNegatives, TheAdaptiveTargetFallsAsThePositivesScoreRises) {
  Hardness hardness;
  hardness.kind = HardnessKind::kAdaptive;
  for (const float power : {-1.5f, -2.0f, -4.0f}) {
    hardness.power = power;
    float last = std::numeric_limits<float>::infinity();
    for (float score = -0.9f; score < 3; score += 0.1f) {
      const float target = adaptive_target(score, hardness);
      EXPECT_LT(target, last) << score;
      last = target;
      const double base = static_cast<double>(score) + static_cast<double>(hardness.alpha);
      const double expected = static_cast<double>(hardness.beta) * std::pow(base, static_cast<double>(power) + 1);
      // The sum's rounding is raised to the power.
      EXPECT_NEAR(target, expected, expected * kUnit * (16 + 2 * std::abs(power)));
    }
    EXPECT_EQ(adaptive_target(-5, hardness), std::numeric_limits<float>::infinity());
  }
}

TEST(HardNegatives, TheNearestToTheTargetHasTheHighestKey) {
  Hardness hardness;
  hardness.kind = HardnessKind::kAdaptive;
  EXPECT_GT(selection_key(0.9f, 1, 0, hardness), selection_key(1.2f, 1, 0, hardness));
  EXPECT_EQ(selection_key(1, 1, 0, hardness), 0.0f);
  hardness.kind = HardnessKind::kHardest;
  EXPECT_EQ(selection_key(0.9f, 1, 0, hardness), 0.9f);
  hardness.kind = HardnessKind::kScoreWeighted;
  hardness.temperature = 0.5f;
  EXPECT_FLOAT_EQ(selection_key(3, 1, 5, hardness), 6 + gumbel(selection_block(hardness.key, 5).v[0]));
}

TEST(HardNegatives, TheProbabilityOfBeingKeptIsRelativelyExact) {
  for (double excess = -100; excess < 12; excess += 0.37) {
    const auto x = static_cast<float>(excess);
    const double expected = std::log(-std::expm1(-std::exp(static_cast<double>(x))));
    // The logarithm's own rounding, and that of what it is taken of.
    EXPECT_NEAR(log_kept_probability(x), expected, kUnit * (8 * std::abs(expected) + 16 + std::abs(excess))) << excess;
  }
  EXPECT_EQ(log_kept_probability(std::numeric_limits<float>::infinity()), 0.0f);
}

}  // namespace
}  // namespace unfold
