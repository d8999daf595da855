#include "unfold/alias_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace unfold {
namespace {

TEST(AliasTable, DrawsInProportionToTheWeights) {
  constexpr std::uint64_t kDraws = 200000;
  const std::vector<std::vector<double>> cases = {
      {1}, {1, 1}, {3, 0, 1}, {0, 0, 7, 0}, {1e-300, 1, 1e-300}, {5, 1, 1, 1, 1, 0.5, 100}, {1e300, 1e-300}};
  for (const std::vector<double>& weights : cases) {
    const AliasTable table = build_alias_table(weights);
    std::vector<double> counts(weights.size());
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      counts.at(draw_alias(table, random_block(5, RandomPurpose::kSynthetic, 0, n))) += 1;
    }
    double total = 0;
    for (const double weight : weights) total += weight;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double p = weights[i] / total;
      EXPECT_NEAR(counts[i], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p))) << "position " << i;
    }
  }
}

TEST(AliasTable, NeverDrawsAWeightOfZero) {
  // Thirds do not add up exactly; the zeros come last, where rounding would leave them over.
  std::vector<double> weights(3000, 0.0);
  for (std::size_t i = 0; i < 1000; ++i) weights[i] = 1.0 / static_cast<double>(3 + i);
  const AliasTable table = build_alias_table(weights);
  for (std::uint64_t n = 0; n < 500000; ++n) {
    ASSERT_LT(draw_alias(table, random_block(9, RandomPurpose::kSynthetic, 0, n)), 1000u);
  }
}

TEST(AliasTable, KnowsTheProbabilityOfWhatItDraws) {
  const std::vector<std::vector<double>> cases = {{1}, {1, 2, 3}, {0, 5, 0}, {1e-9, 1, 1, 7}, {1e-300, 1}};
  for (const std::vector<double>& weights : cases) {
    const AliasTable table = build_alias_table(weights);
    ASSERT_EQ(table.log_q.size(), weights.size());
    double total = 0, sum = 0;
    for (const double weight : weights) total += weight;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double q = std::exp(static_cast<double>(table.log_q[i]));
      sum += q;
      EXPECT_NEAR(q, weights[i] / total, 3e-7) << "position " << i;
      EXPECT_EQ(std::isinf(table.log_q[i]), weights[i] < 1e-9) << "position " << i;
    }
    EXPECT_NEAR(sum, 1, 3e-7);
  }
}

TEST(AliasTable, KnowsTheMassOutsideAList) {
  const AliasTable table = build_alias_table(std::vector<double>{6, 0, 1, 1});
  const std::vector<std::uint64_t> offsets = {0, 0, 1, 2, 5, 6};
  const std::vector<Row> ids = {0, 2, 0, 2, 3, 1};
  const std::vector<float> masses = log_unknown_masses(table, offsets, ids);
  const double expected[] = {1, 0.25, 0.875, 0, 1};
  ASSERT_EQ(masses.size(), 5u);
  for (std::size_t list = 0; list < masses.size(); ++list) {
    EXPECT_FLOAT_EQ(masses[list], std::log(static_cast<float>(expected[list]))) << "list " << list;
  }
}

TEST(AliasTable, WeighsByPopularity) {
  const std::vector<std::uint64_t> counts = {0, 1, 16};
  EXPECT_EQ(popularity_weights(counts, 0.75), (std::vector<double>{0, 1, 8}));
  EXPECT_EQ(popularity_weights(counts, 0), (std::vector<double>{0, 1, 1}));
}

}  // namespace
}  // namespace unfold
