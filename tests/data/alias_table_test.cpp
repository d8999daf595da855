#include "host/data/alias_table.hpp"

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
    const AliasTable table(weights);
    std::vector<double> counts(weights.size());
    for (std::uint64_t n = 0; n < kDraws; ++n) {
      counts.at(table.draw(random_block(5, RandomPurpose::kSynthetic, 0, n))) += 1;
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
  const AliasTable table(weights);
  for (std::uint64_t n = 0; n < 500000; ++n) {
    ASSERT_LT(table.draw(random_block(9, RandomPurpose::kSynthetic, 0, n)), 1000u);
  }
}

}  // namespace
}  // namespace unfold
