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
inline constexpr double kBfloat16Roundoff = 0x1p-8;
inline constexpr double kTiny = 0x1p-140;  // below this a float32 result may be subnormal or flushed

// A share of a bound that stands for "no number at all".
inline constexpr double kFarOff = 1e30;

// References are made of these by the million, in builds that inline little.
#define UNFOLD_INLINE [[gnu::always_inline]] inline

struct Bounded {
  double value = 0;
  double error = 0;  // >= |float32 result - value|

  Bounded() = default;
  UNFOLD_INLINE Bounded(double exact) : value(exact) {}  // NOLINT: an input, known exactly
  UNFOLD_INLINE Bounded(double v, double e) : value(v), error(e) {}
};

// A result whose inputs contribute `inherited` and whose own rounding is at most `roundings` half-units.
UNFOLD_INLINE Bounded rounded(double value, double inherited, double roundings = 1) {
  // Nothing is known about a result of operands without a bound (infinity times zero).
  if (std::isnan(inherited)) inherited = std::numeric_limits<double>::infinity();
  return {value, inherited + roundings * kUnitRoundoff * (std::abs(value) + inherited) + kTiny};
}

UNFOLD_INLINE Bounded operator+(Bounded a, Bounded b) { return rounded(a.value + b.value, a.error + b.error); }
UNFOLD_INLINE Bounded operator-(Bounded a, Bounded b) { return rounded(a.value - b.value, a.error + b.error); }
UNFOLD_INLINE Bounded operator*(Bounded a, Bounded b) {
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
// The same of a base above 0 with an error, between whose ends a power is monotonic.
inline Bounded bounded_power(Bounded base, double n) {
  const double value = std::pow(base.value, n), least = base.value - base.error;
  if (!(least > 0)) return {value, std::numeric_limits<double>::infinity()};
  const double inherited =
      std::max(std::abs(std::pow(least, n) - value), std::abs(std::pow(base.value + base.error, n) - value));
  return rounded(value, inherited, 8);
}
// logf is within 1 unit in the last place in CUDA; a SIMD one within 4 is allowed.
inline Bounded bounded_log(Bounded a) {
  if (!(a.error < a.value)) return {std::log(a.value), std::numeric_limits<double>::infinity()};
  return rounded(std::log(a.value), -std::log1p(-a.error / a.value), 8);
}

// A float32 sum in any order, each of n - 1 additions rounding a partial sum of absolute terms.
class BoundedSum {
 public:
  UNFOLD_INLINE void add(const Bounded& term) {
    value_ += term.value;
    absolute_ += std::abs(term.value) + term.error;
    inherited_ += term.error;
    ++n_;
  }
  operator Bounded() const {  // NOLINT: the sum is what it is for
    const double growth = n_ * kUnitRoundoff;
    return {value_, inherited_ + growth / (1 - growth) * absolute_ + kTiny};
  }

 private:
  double value_ = 0, absolute_ = 0, inherited_ = 0, n_ = 0;
};
inline Bounded bounded_sum(std::span<const Bounded> terms) {
  BoundedSum sum;
  for (const Bounded& term : terms) sum.add(term);
  return sum;
}

// exp(a) that is a share of a sum: a float32 result below the least normal number may be flushed to zero.
inline Bounded bounded_share(Bounded a) {
  const Bounded share = bounded_exp(a);
  return {share.value, share.error + 0x1p-126};
}

// log sum exp(terms), relative to the largest term, in any order and in any parts: each term may raise the running
// maximum, and each raise multiplies what was summed so far by an exponential. -infinity without terms.
inline Bounded bounded_log_sum_exp(std::span<const Bounded> terms) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const Bounded& term : terms) highest = std::max(highest, term.value);
  if (std::isinf(highest)) return {highest};
  double sum = 0, high = 0, low = 0, differences = 0;
  for (const Bounded& term : terms) {
    const double share = std::exp(term.value - highest);
    sum += share;
    high += share * std::expm1(term.error);
    low -= share * std::expm1(-term.error);
    differences += share * (highest - term.value + 2 * term.error);
  }
  const double n = static_cast<double>(terms.size());
  double inherited = std::max(std::log1p(high / sum), -std::log1p(-low / sum));
  if (std::isnan(high)) inherited = std::numeric_limits<double>::infinity();  // no bound on a term of no weight
  // Of the sum: differences are rounded, then each term takes an exponential and an addition, n times over.
  const double roundings = differences / sum + 8 + n * (8 + 2);
  const double value = highest + std::log(sum);
  const double within_logarithm = 8 * std::log(sum) + 4 * (std::abs(highest) + std::abs(value));
  return {value, inherited + kUnitRoundoff * (1.01 * roundings + within_logarithm) + kTiny};
}

inline Bounded bounded_sigmoid(Bounded x) {
  const Bounded e = bounded_exp({-std::abs(x.value), x.error});
  return limited((x.value >= 0 ? Bounded(1) : e) / (Bounded(1) + e), 1);
}

// log(1 + exp(x)), whose slope is exp(x) where that is small.
inline Bounded bounded_softplus(Bounded x) {
  const auto softplus = [](double at) { return std::max(at, 0.0) + std::log1p(std::exp(-std::abs(at))); };
  const double value = softplus(x.value);
  return rounded(value, std::isinf(x.error) ? x.error : softplus(x.value + x.error) - value, 16);
}

// x as it is, or rounded to bfloat16, where what lies below the least normal number may be flushed to zero.
inline Bounded perhaps_bfloat16(const Bounded& x) {
  return {x.value, x.error + kBfloat16Roundoff * (std::abs(x.value) + x.error) + 0x1p-126};
}

// The error of `actual` as a share of its bound: up to 1 is equal. NaN equals NaN alone, and infinity itself.
UNFOLD_INLINE double share_of_bound(double actual, const Bounded& expected) {
  if (std::isnan(expected.value) && std::isnan(actual)) return 0;
  if (actual == expected.value || std::isinf(expected.error)) return std::isnan(actual) ? kFarOff : 0;
  const double share = std::abs(actual - expected.value) / expected.error;
  return std::isnan(share) ? kFarOff : std::min(share, kFarOff);
}

// Equal up to the bound.
inline bool within(double actual, const Bounded& expected) { return share_of_bound(actual, expected) <= 1; }

#undef UNFOLD_INLINE

}  // namespace unfold::selfcheck
