// Rows of scores: exponentials over their whole range, rounding, and what is no number.
#include "host/ops/softmax_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "unfold/float16.hpp"

namespace unfold::cpu {
namespace {

constexpr std::size_t kRow = 64;
struct alignas(64) ScoreRow64 {
  float at[kRow];
};

TEST(SoftmaxKernels, ExponentialsAreWithinTwoUnitsInTheLastPlace) {
  constexpr double kSteps = 1 << 20, kLeast = -87.33;
  ScoreRow64 row, x;
  for (double first = 0; first < kSteps; first += kRow) {
    for (std::size_t k = 0; k < kRow; ++k) {
      x.at[k] = row.at[k] = static_cast<float>(kLeast * (first + static_cast<double>(k)) / kSteps);
    }
    exp_row(row.at, nullptr, kRow, kRow, 0, false);
    for (std::size_t k = 0; k < kRow; ++k) {
      const double expected = std::exp(static_cast<double>(x.at[k]));
      const double unit = std::ldexp(1.0, std::ilogb(expected) - 23);
      ASSERT_NEAR(static_cast<double>(row.at[k]), expected, 2 * unit) << x.at[k];
    }
  }
}

TEST(SoftmaxKernels, ExponentialsOfWhatIsFarOffOrNoNumber) {
  ScoreRow64 row;
  std::fill_n(row.at, kRow, kNoScore);
  row.at[1] = -0.0f;
  row.at[2] = -88;
  row.at[3] = -1e30f;
  const ExpSums sums = exp_row(row.at, nullptr, kRow, kRow, 0, true);
  for (std::size_t k = 0; k < kRow; ++k) EXPECT_EQ(row.at[k], k == 1 ? 1.0f : 0.0f) << k;
  EXPECT_EQ(sums.sum, 1);
  EXPECT_EQ(sums.moment, 0);
  row.at[40] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(exp_row(row.at, nullptr, kRow, kRow, 1, false).sum));
  EXPECT_TRUE(std::isnan(row.at[40]));
}

TEST(SoftmaxKernels, RoundToBfloat16AsOneByOne) {
  std::mt19937 random(1);
  ScoreRow64 row, rounded;
  for (int times = 0; times < 2000; ++times) {
    for (float& x : row.at) x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    row.at[0] = std::bit_cast<float>(0x3F808000u);  // ties
    row.at[1] = std::bit_cast<float>(0x3F818000u);
    row.at[2] = std::numeric_limits<float>::infinity();
    round_to_bfloat16(row.at, kRow, rounded.at);
    for (std::size_t k = 0; k < kRow; ++k) {
      const float expected = to_float(round_nearest<Bfloat16>(row.at[k]));
      ASSERT_EQ(std::bit_cast<std::uint32_t>(rounded.at[k]), std::bit_cast<std::uint32_t>(expected)) << row.at[k];
    }
  }
}

}  // namespace
}  // namespace unfold::cpu
