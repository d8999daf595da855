// Inner products of two rows. Included once a SIMD target. Rows hold whole vectors and their padding is zero.
#if defined(UNFOLD_HOST_OPS_ROW_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_ROW_PRODUCTS_INL
#undef UNFOLD_HOST_OPS_ROW_PRODUCTS_INL
#else
#define UNFOLD_HOST_OPS_ROW_PRODUCTS_INL
#endif

#include <cstddef>

#include "host/ops/elements-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

struct Products {
  float user_item = 0, user_user = 0, item_item = 0;
};

// p.q, and with kSquares |p|^2 and |q|^2.
template <bool kSquares, typename P, typename Q>
HWY_INLINE Products row_products(const P* HWY_RESTRICT p, const Q* HWY_RESTRICT q, std::size_t stride) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec dot0 = hn::Zero(d), dot1 = hn::Zero(d), pp = hn::Zero(d), qq = hn::Zero(d);
  std::size_t k = 0;
  for (; k + 2 * lanes <= stride; k += 2 * lanes) {
    const FloatVec p0 = load_floats(p + k), q0 = load_floats(q + k);
    const FloatVec p1 = load_floats(p + k + lanes), q1 = load_floats(q + k + lanes);
    dot0 = hn::MulAdd(p0, q0, dot0);
    dot1 = hn::MulAdd(p1, q1, dot1);
    if constexpr (kSquares) {
      pp = hn::MulAdd(p0, p0, hn::MulAdd(p1, p1, pp));
      qq = hn::MulAdd(q0, q0, hn::MulAdd(q1, q1, qq));
    }
  }
  for (; k < stride; k += lanes) {
    const FloatVec p0 = load_floats(p + k), q0 = load_floats(q + k);
    dot0 = hn::MulAdd(p0, q0, dot0);
    if constexpr (kSquares) {
      pp = hn::MulAdd(p0, p0, pp);
      qq = hn::MulAdd(q0, q0, qq);
    }
  }
  Products products;
  products.user_item = hn::GetLane(hn::SumOfLanes(d, hn::Add(dot0, dot1)));
  if constexpr (kSquares) {
    products.user_user = hn::GetLane(hn::SumOfLanes(d, pp));
    products.item_item = hn::GetLane(hn::SumOfLanes(d, qq));
  }
  return products;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
