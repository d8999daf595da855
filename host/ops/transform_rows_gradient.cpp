// The gradient of the dropout and normalization of looked-up rows.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/transform_rows_gradient.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/dropout-inl.hpp"
#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

void transform_row_gradient(const RowTransform& transform, const float* vector, float scale, MatrixView<float> gradient,
                            std::uint64_t n) {
  const FloatTag d;
  float* const row = gradient.row(n);
  if (transform.normalize) {
    const FloatVec along = hn::Set(d, row_products<false>(vector, row, gradient.stride).user_item);
    for (std::size_t k = 0; k < gradient.stride; k += hn::Lanes(d)) {
      const FloatVec across = hn::NegMulAdd(along, hn::Load(d, vector + k), hn::Load(d, row + k));
      hn::Store(hn::Mul(across, hn::Set(d, scale)), d, row + k);
    }
  } else if (transform.l2 > 0) {
    const FloatVec l2 = hn::Set(d, transform.l2);
    for (std::size_t k = 0; k < gradient.stride; k += hn::Lanes(d)) {
      hn::Store(hn::MulAdd(l2, hn::Load(d, vector + k), hn::Load(d, row + k)), d, row + k);
    }
  }
  if (transform.dropout > 0) drop_elements(transform, n, gradient.stride, row);
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(transform_row_gradient);

void run(const TransformRowsGradient& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const MatrixView<float> gradient = op.gradient;
  for_rows(gradient.rows, gradient.stride, n_threads, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n < last; ++n) {
      HWY_DYNAMIC_DISPATCH(transform_row_gradient)(op.transform, op.vectors.row(n), op.scale[n], gradient, n);
    }
  });
}

}  // namespace unfold::cpu
#endif
