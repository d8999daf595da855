#include "unfold/step_variables.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace unfold {
namespace {

constexpr std::uint64_t kSteps[] = {0, 1, 1ull << 32, (1ull << 32) + 1, 7ull << 40};

TEST(StepVariables, RoundingsOfEveryStepAndTableDiffer) {
  std::vector<std::uint64_t> keys;
  for (const std::uint64_t seed : {1u, 2u}) {
    for (const std::uint64_t step : kSteps) {
      for (const std::uint64_t key : step_variables(seed, step, 0, 0, 0).rounding_keys) keys.push_back(key);
    }
  }
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
}

// A key's draws of a step are no other key's, nor another step's.
TEST(StepVariables, DrawsOfEveryStepAndKeyDiffer) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> draws;
  for (const std::uint64_t step : kSteps) {
    const StepVariables now = step_variables(1, step, 0, 0, 0);
    for (const std::uint64_t place : {0u, 1u, 255u}) {
      const RandomKey key = at_step(RandomKey{1 + place * kSeedStride, 0, 5, &now});
      EXPECT_EQ(key.first_position, 5u);
      draws.emplace_back(key.seed, key.step);
    }
  }
  std::ranges::sort(draws);
  EXPECT_EQ(std::ranges::adjacent_find(draws), draws.end());
}

TEST(StepVariables, WithoutThemValuesStand) {
  const RandomKey key = at_step(RandomKey{3, 4, 5});
  EXPECT_EQ(key.seed, 3u);
  EXPECT_EQ(key.step, 4u);
  const OptimizerStep step = at_step(OptimizerStep{.learning_rate = 2, .beta1 = 0.5f, .rounding_key = 9});
  EXPECT_EQ(step.learning_rate, 2);
  EXPECT_EQ(step.beta1, 0.5f);
  EXPECT_EQ(step.rounding_key, 9u);
}

}  // namespace
}  // namespace unfold
