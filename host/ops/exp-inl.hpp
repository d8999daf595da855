// Exponentials of numbers that are not positive, the weights of a softmax. Included once a SIMD target.
#if defined(UNFOLD_HOST_OPS_EXP_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_EXP_INL
#undef UNFOLD_HOST_OPS_EXP_INL
#else
#define UNFOLD_HOST_OPS_EXP_INL
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// e^x for x <= 0, within 2 units in the last place; 0 below -87.33, just above where e^x is no normal number any more;
// NaN for a NaN of arithmetic (one whose lowest bits are zero). With x = n log 2 + r and |r| <= log(2) / 2 it is 2^n
// times a polynomial in r (Cody and Waite, Software Manual for the Elementary Functions, 1980), whose coefficients were
// fitted for the least relative error, 5e-9. Half the instructions of Highway's Exp, which takes any x.
template <class D>
HWY_INLINE hn::Vec<D> exp_of_negative(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  constexpr float kLeast = -87.33f;
  constexpr float kToInteger = 0x1.8p23f;  // a float of this size has no fraction, and the integer in its lowest bits
  const auto shifted = hn::MulAdd(x, hn::Set(d, 0x1.715476p0f), hn::Set(d, kToInteger));
  const auto n = hn::Sub(shifted, hn::Set(d, kToInteger));
  // log 2 in two parts, the first of few bits.
  const auto r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20f), hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1f), x));
  auto p = hn::MulAdd(hn::Set(d, 0x1.6a2352p-10f), r, hn::Set(d, 0x1.123a6cp-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.5558f4p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.55549p-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffcp-2f));
  p = hn::MulAdd(p, hn::Mul(r, r), hn::Add(r, hn::Set(d, 1.0f)));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  const auto scaled = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, kLeast)), scaled);
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
