// The vector conversions of host/ops/elements-inl.hpp on every SIMD target of this CPU: the bits of the scalar ones.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/ops/elements_test.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/elements-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// n is a multiple of 16, arrays are aligned as table rows.
template <typename Element>
void widen(const Element* from, std::size_t n, float* to) {
  for (std::size_t k = 0; k < n; k += hn::Lanes(FloatTag())) hn::StoreU(load_floats(from + k), FloatTag(), to + k);
}
template <typename Element>
void round_with(const float* from, const std::uint16_t* random, std::size_t n, Element* to) {
  for (std::size_t k = 0; k < n; k += hn::Lanes(FloatTag())) store_floats(load_floats(from + k), to + k, random + k);
}
void widen_float16(const Float16* from, std::size_t n, float* to) { widen(from, n, to); }
void widen_bfloat16(const Bfloat16* from, std::size_t n, float* to) { widen(from, n, to); }
void round_float16(const float* from, const std::uint16_t* random, std::size_t n, Float16* to) {
  round_with(from, random, n, to);
}
void round_bfloat16(const float* from, const std::uint16_t* random, std::size_t n, Bfloat16* to) {
  round_with(from, random, n, to);
}
// The rows of both places of a number, and the first of them drawn alone.
void draw_rows(std::uint64_t key, std::uint64_t number, std::size_t stride, std::uint16_t* both, std::uint16_t* alone) {
  RowRounding<Bfloat16> rounding(key);
  rounding.draw<2>(number, stride);
  for (int place = 0; place < 2; ++place) std::copy_n(rounding.bits(place), stride, both + place * stride);
  rounding.draw<1>(number, stride);
  std::copy_n(rounding.bits(0), stride, alone);
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "hwy/targets.h"

namespace unfold::cpu {
namespace {

HWY_EXPORT(widen_float16);
HWY_EXPORT(widen_bfloat16);
HWY_EXPORT(round_float16);
HWY_EXPORT(round_bfloat16);
HWY_EXPORT(draw_rows);

// Calls test() once a SIMD target that this CPU has.
template <typename Test>
void on_every_target(Test&& test) {
  for (auto left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const auto target = left & ~(left - 1);
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
}

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// n elements aligned as table rows are; n * sizeof(Element) is a multiple of 64.
template <typename Element>
std::unique_ptr<Element[], Free> aligned_array(std::size_t n) {
  return std::unique_ptr<Element[], Free>(static_cast<Element*>(std::aligned_alloc(64, n * sizeof(Element))));
}

template <typename Element>
void expect_every_value_widens(void (*run)(const Element*, std::size_t, float*)) {
  constexpr std::size_t kAll = 0x10000;
  const auto from = aligned_array<Element>(kAll);
  for (std::size_t k = 0; k < kAll; ++k) from[k].bits = static_cast<std::uint16_t>(k);
  std::vector<float> got(kAll);
  run(from.get(), kAll, got.data());
  for (std::size_t k = 0; k < kAll; ++k) ASSERT_TRUE(same(got[k], to_float(from[k]))) << k;
}

TEST(ElementVectors, WidenEveryValueAsTheScalarDoes) {
  on_every_target([] {
    expect_every_value_widens<Float16>([](auto... a) { HWY_DYNAMIC_DISPATCH(widen_float16)(a...); });
    expect_every_value_widens<Bfloat16>([](auto... a) { HWY_DYNAMIC_DISPATCH(widen_bfloat16)(a...); });
  });
}

// Every exponent, both signs, several mantissas, infinities and NaN among them.
template <typename Element>
void expect_scalar_rounding(void (*run)(const float*, const std::uint16_t*, std::size_t, Element*)) {
  constexpr std::size_t kN = 512 * 64;
  const auto from = aligned_array<float>(kN);
  const auto random = aligned_array<std::uint16_t>(kN);
  const auto got = aligned_array<Element>(kN);
  for (std::size_t k = 0; k < kN; ++k) {
    const RandomBlock draw = philox(1, k, 0);
    const std::uint32_t mantissa = k % 64 == 0 ? 0 : k % 64 == 1 ? 0x7FFFFFu : draw.v[0] >> 9;
    from[k] = std::bit_cast<float>(static_cast<std::uint32_t>(k / 64) << 23 | mantissa);
    random[k] = static_cast<std::uint16_t>(draw.v[1]);
  }
  run(from.get(), random.get(), kN, got.get());
  for (std::size_t k = 0; k < kN; ++k)
    ASSERT_EQ(got[k].bits, round_stochastic<Element>(from[k], random[k]).bits) << from[k] << " with " << random[k];
}

TEST(ElementVectors, RoundAsTheScalarDoes) {
  on_every_target([] {
    expect_scalar_rounding<Float16>([](auto... a) { HWY_DYNAMIC_DISPATCH(round_float16)(a...); });
    expect_scalar_rounding<Bfloat16>([](auto... a) { HWY_DYNAMIC_DISPATCH(round_bfloat16)(a...); });
  });
}

TEST(ElementVectors, DrawTheBitsOfEveryColumn) {
  on_every_target([] {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{3}, (std::uint64_t{1} << 32) - 1}) {
      for (const std::size_t stride : {16u, 48u, 112u, 1024u}) {
        constexpr std::uint64_t kKey = 0xA4093822299F31D0u;
        std::vector<std::uint16_t> both(2 * stride), alone(stride);
        HWY_DYNAMIC_DISPATCH(draw_rows)(kKey, number, stride, both.data(), alone.data());
        for (std::size_t k = 0; k < both.size(); ++k) {
          const auto column = static_cast<std::uint32_t>(k % stride);
          const RandomBlock block = rounding_bits(kKey, 2 * number + k / stride, column / 8);
          ASSERT_EQ(both[k], block.v[column % 8 / 2] >> 16 * (column % 2) & 0xFFFFu) << "column " << column;
        }
        ASSERT_TRUE(std::equal(alone.begin(), alone.end(), both.begin())) << "number " << number;
      }
    }
  });
}

}  // namespace
}  // namespace unfold::cpu

#endif  // HWY_ONCE
