// Dropout and normalization of looked-up rows, and their gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/transform_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// row[c] *= kept ? 1 / (1 - dropout) : 0
void drop_elements(const RowTransform& transform, std::uint64_t n, std::uint32_t cols, float* row) {
  const float kept = 1.0f / (1.0f - transform.dropout);
  for (std::uint32_t c = 0; c < cols; c += 4) {
    const RandomBlock bits = dropout_block(transform.dropout_key, n, c / 4);
    for (std::uint32_t j = 0; j < 4 && c + j < cols; ++j) {
      row[c + j] = uniform_float(bits.v[j]) >= transform.dropout ? row[c + j] * kept : 0.0f;
    }
  }
}

void multiply_row(float* row, std::size_t stride, float factor) {
  const FloatTag d;
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    hn::Store(hn::Mul(hn::Load(d, row + k), hn::Set(d, factor)), d, row + k);
  }
}

void transform_row(const RowTransform& transform, MatrixView<float> rows, std::uint64_t n, float* scale) {
  float* const row = rows.row(n);
  if (transform.dropout > 0) drop_elements(transform, n, rows.cols, row);
  *scale = 1;
  if (!transform.normalize) return;
  *scale = inverse_length(row_products<false>(row, row, rows.stride).user_item);
  multiply_row(row, rows.stride, *scale);
}

void transform_row_gradient(const RowTransform& transform, const float* vector, float scale,
                            MatrixView<float> gradient, std::uint64_t n) {
  float* const row = gradient.row(n);
  if (transform.normalize) {
    const FloatTag d;
    const FloatVec along = hn::Set(d, row_products<false>(vector, row, gradient.stride).user_item);
    for (std::size_t k = 0; k < gradient.stride; k += hn::Lanes(d)) {
      const FloatVec across = hn::NegMulAdd(along, hn::Load(d, vector + k), hn::Load(d, row + k));
      hn::Store(hn::Mul(across, hn::Set(d, scale)), d, row + k);
    }
  }
  if (transform.dropout > 0) drop_elements(transform, n, gradient.cols, row);
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(transform_row);
HWY_EXPORT(transform_row_gradient);

void transform_rows(const RowTransform& transform, MatrixView<float> rows, float* scale, int n_threads) {
#pragma omp parallel for num_threads(threads_for(rows.rows, n_threads)) schedule(static)
  for (std::uint64_t n = 0; n < rows.rows; ++n) HWY_DYNAMIC_DISPATCH(transform_row)(transform, rows, n, scale + n);
}

void transform_rows_gradient(const RowTransform& transform, MatrixView<const float> vectors, const float* scale,
                             MatrixView<float> gradient, int n_threads) {
#pragma omp parallel for num_threads(threads_for(gradient.rows, n_threads)) schedule(static)
  for (std::uint64_t n = 0; n < gradient.rows; ++n) {
    HWY_DYNAMIC_DISPATCH(transform_row_gradient)(transform, vectors.row(n), scale[n], gradient, n);
  }
}

}  // namespace unfold::cpu
#endif
