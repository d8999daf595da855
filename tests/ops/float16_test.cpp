// The 16-bit element types and both roundings, against what float64 says.
#include "unfold/float16.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace unfold {
namespace {

template <typename Element>
struct Format;
template <>
struct Format<Float16> {
  static constexpr int kMantissa = 10, kBias = 15, kRandomBits = 13;
};
template <>
struct Format<Bfloat16> {
  static constexpr int kMantissa = 7, kBias = 127, kRandomBits = 16;
};

// The value of a bit pattern, by the definition of the format.
template <typename Element>
double value_of(std::uint32_t bits) {
  using F = Format<Element>;
  const int max_exponent = (1 << (15 - F::kMantissa)) - 1;
  const double sign = bits & 0x8000u ? -1 : 1;
  const auto exponent = static_cast<int>((bits & 0x7FFFu) >> F::kMantissa);
  const auto mantissa = static_cast<double>(bits & ((1u << F::kMantissa) - 1));
  if (exponent == max_exponent) return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - F::kBias - F::kMantissa);
  return sign * std::ldexp(mantissa + (1 << F::kMantissa), exponent - F::kBias - F::kMantissa);
}

// The bits of the largest element <= |x|; the next number is the neighbour above, infinity after the largest finite.
template <typename Element>
std::uint32_t element_below(double magnitude) {
  using F = Format<Element>;
  std::uint32_t low = 0, high = ((1u << (15 - F::kMantissa)) - 1) << F::kMantissa;  // infinity
  if (magnitude >= value_of<Element>(high)) return high;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (value_of<Element>(middle) <= magnitude ? low : high) = middle;
  }
  return low;
}

// The value that stands for an element's place: infinity is where the next finite one would be.
template <typename Element>
double place_of(std::uint32_t bits) {
  using F = Format<Element>;
  const std::uint32_t infinity = ((1u << (15 - F::kMantissa)) - 1) << F::kMantissa;
  return bits == infinity ? std::ldexp(1.0, F::kBias + 1) : value_of<Element>(bits);
}

template <typename Element>
std::uint32_t nearest_reference(float x) {
  const std::uint32_t sign = std::signbit(x) ? 0x8000u : 0u;
  const double magnitude = std::abs(static_cast<double>(x));
  const std::uint32_t below = element_below<Element>(magnitude);
  if (std::isinf(value_of<Element>(below))) return sign | below;
  const double down = magnitude - place_of<Element>(below), up = place_of<Element>(below + 1) - magnitude;
  return sign | (up < down || (up == down && below % 2 == 1) ? below + 1 : below);
}

// Around every element and its midpoints, and at random over all bit patterns.
template <typename Element>
std::vector<float> samples() {
  std::vector<float> out;
  for (std::uint32_t bits = 0; bits < 0x8000u; ++bits) {
    const auto x = static_cast<float>(value_of<Element>(bits));
    if (!std::isfinite(x)) continue;
    const auto next =
        static_cast<float>(std::min<double>(place_of<Element>(bits + 1), std::numeric_limits<float>::max()));
    const float middle = x + (next - x) / 2;
    for (const float at : {x, middle}) {
      for (const float y : {std::nextafter(at, 0.0f), at, std::nextafter(at, HUGE_VALF)}) {
        out.push_back(y);
        out.push_back(-y);
      }
    }
  }
  std::mt19937 random(5);
  while (out.size() < 600000) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isfinite(x)) out.push_back(x);
  }
  return out;
}

template <typename Element>
class Elements : public testing::Test {};
using Types = testing::Types<Float16, Bfloat16>;
TYPED_TEST_SUITE(Elements, Types);

TYPED_TEST(Elements, EveryValueIsTheFormatsAndRoundsToItself) {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const TypeParam element{static_cast<std::uint16_t>(bits)};
    const double expected = value_of<TypeParam>(bits);
    const float x = to_float(element);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(x)) << bits;
      ASSERT_TRUE(std::isnan(to_float(round_nearest<TypeParam>(x)))) << bits;
      ASSERT_TRUE(std::isnan(to_float(round_stochastic<TypeParam>(x, 0xFFFFu)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(x), expected) << bits;
    ASSERT_EQ(round_nearest<TypeParam>(x).bits, bits);
    for (const std::uint32_t random : {0u, 1u, 0x8000u, 0xFFFFu, 0xFFFFFFFFu})
      ASSERT_EQ(round_stochastic<TypeParam>(x, random).bits, bits) << random;
  }
}

TYPED_TEST(Elements, NearestIsNearestAndTiesGoToEven) {
  for (const float x : samples<TypeParam>())
    ASSERT_EQ(round_nearest<TypeParam>(x).bits, nearest_reference<TypeParam>(x)) << x;
  EXPECT_TRUE(std::isinf(to_float(round_nearest<TypeParam>(HUGE_VALF))));
}

TYPED_TEST(Elements, StochasticIsOneOfTheTwoNeighbours) {
  std::mt19937 random(6);
  for (const float x : samples<TypeParam>()) {
    const double magnitude = std::abs(static_cast<double>(x));
    const std::uint32_t below = element_below<TypeParam>(magnitude);
    const std::uint32_t above = place_of<TypeParam>(below) < magnitude ? below + 1 : below;
    for (const std::uint32_t bits : {0u, 0xFFFFu, static_cast<std::uint32_t>(random())}) {
      const std::uint32_t got = round_stochastic<TypeParam>(x, bits).bits;
      ASSERT_EQ(got >> 15, std::signbit(x) ? 1u : 0u) << x;
      ASSERT_TRUE((got & 0x7FFFu) == below || (got & 0x7FFFu) == above) << x << " gives " << got;
    }
  }
}

TYPED_TEST(Elements, StochasticIsTheValueOnAverage) {
  using F = Format<TypeParam>;
  std::mt19937 random(7);
  std::vector<float> values = {1.0f,  1.0001f, 3.14159f, 1e-3f, 6.1e-5f, 5.96e-8f,
                               3e-8f, 1e-5f,   2.9e-6f,  1e4f,  0.99999f};
  for (int n = 0; n < 20; ++n)
    values.push_back(std::ldexp(1.0f + 0x1p-24f * static_cast<float>(random() >> 8), n - 20));
  for (const float positive : values) {
    for (const float x : {positive, -positive}) {
      double sum = 0;
      constexpr std::uint32_t kStep = 0x10000u >> F::kRandomBits;
      for (std::uint32_t bits = 0; bits < 0x10000u; bits += kStep)
        sum += static_cast<double>(to_float(round_stochastic<TypeParam>(x, bits)));
      const double mean = sum / (1 << F::kRandomBits);
      // A subnormal float16 is first rounded to a multiple of 2^-37; all else is exact, but for what a float32 has
      // below the bits that are drawn.
      const double bound = std::abs(x) < std::ldexp(1.0f, 1 - F::kBias) ? 0x1p-38 : 0;
      EXPECT_NEAR(mean, static_cast<double>(x), bound) << x;
    }
  }
}

}  // namespace
}  // namespace unfold
