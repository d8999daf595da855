// A float64 value that carries a bound on how far the same computation in float32 may end from it: running error
// analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3). Tolerances come from
// here: each is a sum of absolute terms, scaled by the unit roundoff, and none is tried out.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace unfold::selfcheck {

inline constexpr double kUnitRoundoff = 0x1p-24;  // float32, round to nearest
inline constexpr double kTiny = 0x1p-140;         // below this a float32 result may be subnormal or flushed

// A share of a bound that stands for "no number at all".
inline constexpr double kFarOff = 1e30;

struct Bounded {
  double value = 0;
  double error = 0;  // >= |float32 result - value|

  Bounded() = default;
  Bounded(double exact) : value(exact) {}  // NOLINT: an input, known exactly
  Bounded(double v, double e) : value(v), error(e) {}
};

// A result whose inputs contribute `inherited` and whose own rounding is at most `roundings` half-units.
inline Bounded rounded(double value, double inherited, double roundings = 1) {
  // Nothing is known about a result of operands without a bound (infinity times zero).
  if (std::isnan(inherited)) inherited = std::numeric_limits<double>::infinity();
  return {value, inherited + roundings * kUnitRoundoff * (std::abs(value) + inherited) + kTiny};
}

inline Bounded operator+(Bounded a, Bounded b) { return rounded(a.value + b.value, a.error + b.error); }
inline Bounded operator-(Bounded a, Bounded b) { return rounded(a.value - b.value, a.error + b.error); }
inline Bounded operator*(Bounded a, Bounded b) {
  return rounded(a.value * b.value, std::abs(a.value) * b.error + std::abs(b.value) * a.error + a.error * b.error);
}
inline Bounded operator/(Bounded a, Bounded b) {
  const double least = std::abs(b.value) - b.error;  // of the denominator
  if (!(least > 0)) return {a.value / b.value, std::numeric_limits<double>::infinity()};
  const double inherited = (a.error + std::abs(a.value / b.value) * b.error) / least;
  return rounded(a.value / b.value, inherited, 2);  // 2: a device may take a reciprocal and one correction
}
// x where it is known that |x| <= limit, in float32 too: a gradient over the root of a sum that holds its square.
// Without the limit a gradient as small as its rounding would give a quotient without a bound.
inline Bounded limited(Bounded x, double limit) { return {x.value, std::min(x.error, std::abs(x.value) + limit)}; }
inline Bounded bounded_sqrt(Bounded a) {
  const double high = std::sqrt(a.value + a.error);
  const double low = std::sqrt(std::max(0.0, a.value - a.error));
  return rounded(std::sqrt(a.value), high - low, 2);
}
// expf is within 2 units in the last place in the CUDA and GNU libraries; a SIMD one within 4 is allowed.
inline Bounded bounded_exp(Bounded a) {
  const double value = std::exp(a.value);
  return rounded(value, value * std::expm1(a.error), 8);
}
// base^n; powf is within 4 units in the last place in CUDA.
inline Bounded bounded_power(double base, double n) { return rounded(std::pow(base, n), 0, 8); }

// A float32 sum of `terms` in any order, each of n - 1 additions rounding a partial sum of absolute terms.
inline Bounded bounded_sum(std::span<const Bounded> terms) {
  double value = 0, absolute = 0, inherited = 0;
  for (const Bounded& term : terms) {
    value += term.value;
    absolute += std::abs(term.value) + term.error;
    inherited += term.error;
  }
  const double growth = static_cast<double>(terms.size()) * kUnitRoundoff;
  return {value, inherited + growth / (1 - growth) * absolute + kTiny};
}

inline Bounded bounded_sigmoid(Bounded x) {
  const Bounded e = bounded_exp({-std::abs(x.value), x.error});
  return limited((x.value >= 0 ? Bounded(1) : e) / (Bounded(1) + e), 1);
}

// The error of `actual` as a share of its bound: up to 1 is equal. NaN equals NaN alone, and infinity itself.
inline double share_of_bound(double actual, const Bounded& expected) {
  if (std::isnan(expected.value) && std::isnan(actual)) return 0;
  if (actual == expected.value || std::isinf(expected.error)) return std::isnan(actual) ? kFarOff : 0;
  const double share = std::abs(actual - expected.value) / expected.error;
  return std::isnan(share) ? kFarOff : std::min(share, kFarOff);
}

// Equal up to the bound.
inline bool within(double actual, const Bounded& expected) { return share_of_bound(actual, expected) <= 1; }

}  // namespace unfold::selfcheck
