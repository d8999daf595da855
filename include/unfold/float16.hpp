// The 16-bit element types of tables, and rounding to them. Arithmetic is always in float32.
//
// A small update of a 16-bit weight is lost when it is rounded to the nearest value. Rounded stochastically, up with
// the probability of the fraction cut off, it survives on average (Gupta et al., Deep Learning with Limited
// Numerical Precision, ICML 2015). All of it is exact integer work: equal bits on every device.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "unfold/host_device.hpp"

namespace unfold {

// IEEE 754 binary16: 11 significant bits, up to 65504.
struct Float16 {
  std::uint16_t bits = 0;
};

// The upper half of a float32: 8 significant bits, its range.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

UNFOLD_HOST_DEVICE inline std::uint32_t float_bits(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return std::bit_cast<std::uint32_t>(x);
#endif
}
UNFOLD_HOST_DEVICE inline float bits_float(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

UNFOLD_HOST_DEVICE inline float to_float(float x) { return x; }
UNFOLD_HOST_DEVICE inline float to_float(Bfloat16 x) { return bits_float(static_cast<std::uint32_t>(x.bits) << 16); }
UNFOLD_HOST_DEVICE inline float to_float(Float16 x) {
#if defined(__CUDA_ARCH__)
  float out;
  asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(x.bits));
  return out;
#else
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000u) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(x.bits & 0x7FFFu) << 13;
  if (magnitude >= 0x7C00u << 13) return bits_float(sign | 0x7F800000u | magnitude);  // infinity, NaN
  // The exponent's bias goes from 15 to 127; a product, so that subnormals become normal.
  return bits_float(sign | float_bits(bits_float(magnitude) * 0x1.0p112f));
#endif
}

// Neither infinite nor NaN, which alone have every bit of the exponent. Integer work: it holds under any arithmetic
// flags.
UNFOLD_HOST_DEVICE inline bool is_finite(float x) { return (float_bits(x) & 0x7F800000u) != 0x7F800000u; }
UNFOLD_HOST_DEVICE inline bool is_finite(Float16 x) { return (x.bits & 0x7C00u) != 0x7C00u; }
UNFOLD_HOST_DEVICE inline bool is_finite(Bfloat16 x) { return (x.bits & 0x7F80u) != 0x7F80u; }

// The parts of rounding to binary16 that both roundings share.
namespace float16_detail {
inline constexpr std::uint32_t kSmallestNormal = 113u << 23;  // 2^-14, as float bits
inline constexpr std::uint32_t kTooLarge = 143u << 23;        // 2^16
inline constexpr std::uint32_t kInfinity = 255u << 23;

// |x| as float bits where it is normal in binary16: `extra`, 0 to 0x1FFF, is added to the 13 bits that are cut off.
UNFOLD_HOST_DEVICE inline std::uint32_t cut(std::uint32_t magnitude, std::uint32_t extra) {
  return ((magnitude + extra) >> 13) - (112u << 10);
}
UNFOLD_HOST_DEVICE inline std::uint32_t too_large(std::uint32_t magnitude) {
  return magnitude > kInfinity ? 0x7E00u : 0x7C00u;
}
UNFOLD_HOST_DEVICE inline Float16 with_sign_of(float x, std::uint32_t magnitude) {
  return {static_cast<std::uint16_t>((float_bits(x) >> 16 & 0x8000u) | magnitude)};
}
}  // namespace float16_detail

// To the nearest value, ties to even.
template <typename Element>
UNFOLD_HOST_DEVICE inline Element round_nearest(float x);
template <>
UNFOLD_HOST_DEVICE inline float round_nearest<float>(float x) {
  return x;
}
template <>
UNFOLD_HOST_DEVICE inline Bfloat16 round_nearest<Bfloat16>(float x) {
  const std::uint32_t bits = float_bits(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16)};
}
template <>
UNFOLD_HOST_DEVICE inline Float16 round_nearest<Float16>(float x) {
  using namespace float16_detail;
  const std::uint32_t magnitude = float_bits(x) & 0x7FFFFFFFu;
  if (magnitude >= kTooLarge) return with_sign_of(x, too_large(magnitude));
  // Neighbours of 1/2 are as far apart as subnormals are, so that one addition rounds.
  if (magnitude < kSmallestNormal) return with_sign_of(x, float_bits(bits_float(magnitude) + 0.5f) - float_bits(0.5f));
  return with_sign_of(x, cut(magnitude, 0xFFFu + (magnitude >> 13 & 1u)));
}

// Stochastic rounding is a sum of integers but for a few values: NaN, and in binary16 all from 2^16 on. summable(x)
// stands in for these, so that the same sum rounds it to the right bits.
template <typename Element>
UNFOLD_HOST_DEVICE inline bool is_summable(float x);
template <>
UNFOLD_HOST_DEVICE inline bool is_summable<Bfloat16>(float x) {
  return x == x;
}
template <>
UNFOLD_HOST_DEVICE inline bool is_summable<Float16>(float x) {
  return fabsf(x) < 0x1.0p16f;
}
template <typename Element>
UNFOLD_HOST_DEVICE inline float summable(float x);
template <>
UNFOLD_HOST_DEVICE inline float summable<Bfloat16>(float x) {
  const std::uint32_t bits = float_bits(x);
  return (bits & 0x7FFFFFFFu) > 0x7F800000u ? bits_float((bits & 0xFFFF0000u) | 0x400000u) : x;
}
template <>
UNFOLD_HOST_DEVICE inline float summable<Float16>(float x) {
  const std::uint32_t sign = float_bits(x) & 0x80000000u, magnitude = float_bits(x) ^ sign;
  if (magnitude < float16_detail::kTooLarge) return x;
  const std::uint32_t quiet = magnitude > float16_detail::kInfinity ? 1u << 22 : 0u;
  return bits_float(sign | float16_detail::kTooLarge | quiet);
}

// The sum's upper half is the bits of a Bfloat16. `random` is 16 bits.
UNFOLD_HOST_DEVICE inline std::uint32_t bfloat16_sum(float x, std::uint32_t random) { return float_bits(x) + random; }
// The bits of a Float16. The product moves the exponent's bias from 127 to 15, and what is subnormal in binary16 is so
// in float32, too. (To shift it left, and `random` not right, would save an instruction; but ptxas 13.0 takes such a
// shifted product for 0.)
UNFOLD_HOST_DEVICE inline std::uint32_t float16_sum(float x, std::uint32_t random) {
  const std::uint32_t scaled = float_bits(fabsf(x) * 0x1.0p-112f);
  return (scaled + (random >> 3)) >> 13 | (float_bits(x) >> 16 & 0x8000u);
}

// Up in magnitude where the fraction cut off is larger than `random`, 16 uniform bits, else down: x on average.
// What is exact stays; a NaN stays a NaN. binary16 cuts off 13 bits, and takes the upper 13 of `random`; below 2^-14
// it first rounds x to a multiple of 2^-37, so that the mean may be off by 2^-38 there.
template <typename Element>
UNFOLD_HOST_DEVICE inline Element round_stochastic(float x, std::uint32_t random);
template <>
UNFOLD_HOST_DEVICE inline float round_stochastic<float>(float x, std::uint32_t) {
  return x;
}
template <>
UNFOLD_HOST_DEVICE inline Bfloat16 round_stochastic<Bfloat16>(float x, std::uint32_t random) {
  return {static_cast<std::uint16_t>(bfloat16_sum(summable<Bfloat16>(x), random & 0xFFFFu) >> 16)};
}
template <>
UNFOLD_HOST_DEVICE inline Float16 round_stochastic<Float16>(float x, std::uint32_t random) {
  return {static_cast<std::uint16_t>(float16_sum(summable<Float16>(x), random & 0xFFFFu))};
}

}  // namespace unfold
