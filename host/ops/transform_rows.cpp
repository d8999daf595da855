// Dropout and normalization of looked-up rows, and their gradient.
#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/transform_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::size_t kMostColumns = 1024;

// dropout_block of blocks 0, 1, ... into bits[4 * block + j], whole vectors of blocks, at least n_blocks. A block a
// 64-bit lane, of which only the lower half counts.
void draw_bits(const RandomKey& key, std::uint64_t n, std::size_t n_blocks, std::uint32_t* bits) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const RandomBlock block = dropout_block(key, n, static_cast<std::uint32_t>(b));
    std::copy_n(block.v, 4, bits + 4 * b);
  }
#else
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  const auto product = [&](std::uint32_t factor, auto x)
                           HWY_ATTR { return hn::MulEven(hn::Set(d32, factor), hn::BitCast(d32, x)); };
  const std::uint64_t low = key.first_position + n;
  const std::uint64_t purpose = static_cast<std::uint64_t>(RandomPurpose::kDropout);
  const auto lower_half = hn::Set(d, 0xFFFFFFFFull);
  for (std::size_t b = 0; b < n_blocks; b += hn::Lanes(d)) {
    auto c0 = hn::Set(d, low), c1 = hn::Set(d, low >> 32), c2 = hn::Set(d, std::uint64_t{key.step});
    auto c3 = hn::Xor(hn::Set(d, purpose), hn::ShiftLeft<8>(hn::Iota(d, b)));
    auto k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const auto product0 = product(0xD2511F53u, c0), product1 = product(0xCD9E8D57u, c2);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), c1), hn::Set(d, std::uint64_t{k0}));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), c3), hn::Set(d, std::uint64_t{k1}));
      c1 = product1;
      c3 = product0;
    }
    const auto left = hn::Or(hn::And(c0, lower_half), hn::ShiftLeft<32>(c1));
    const auto right = hn::Or(hn::And(c2, lower_half), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(left, right, d, reinterpret_cast<std::uint64_t*>(bits + 4 * b));
  }
#endif
}

// row[c] *= kept ? 1 / (1 - dropout) : 0
void drop_elements(const RowTransform& transform, std::uint64_t n, std::size_t stride, float* row) {
  const FloatTag d;
  const BitsTag di;
  const hn::RebindToSigned<FloatTag> ds;
  // Whole vectors of blocks are written.
  HWY_ALIGN_MAX std::uint32_t bits[kMostColumns + 64];
  draw_bits(transform.dropout_key, n, (stride + 3) / 4, bits);
  // uniform_float(b) >= dropout, in whole numbers.
  const auto least = static_cast<std::int32_t>(std::ceil(static_cast<double>(transform.dropout) * 0x1p24));
  const FloatVec kept = hn::Set(d, 1.0f / (1.0f - transform.dropout));
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    const auto drawn = hn::BitCast(ds, hn::ShiftRight<8>(hn::Load(di, bits + k)));
    const auto is_dropped = hn::Lt(drawn, hn::Set(ds, least));
    const FloatVec x = hn::Mul(hn::Load(d, row + k), kept);
    hn::Store(hn::IfThenZeroElse(hn::RebindMask(d, is_dropped), x), d, row + k);
  }
}

void multiply_row(float* row, std::size_t stride, float factor) {
  const FloatTag d;
  for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
    hn::Store(hn::Mul(hn::Load(d, row + k), hn::Set(d, factor)), d, row + k);
  }
}

float transform_row(const RowTransform& transform, MatrixView<float> rows, std::uint64_t n) {
  float* const row = rows.row(n);
  if (transform.dropout > 0) drop_elements(transform, n, rows.stride, row);
  if (!transform.normalize) return 1;
  const float scale = inverse_length(row_products<false>(row, row, rows.stride).user_item);
  multiply_row(row, rows.stride, scale);
  return scale;
}

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

HWY_EXPORT(transform_row);
HWY_EXPORT(transform_row_gradient);

void run(const TransformRows& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const MatrixView<float> rows = op.rows;
#pragma omp parallel for num_threads(threads_for_rows(rows.rows, rows.stride, n_threads)) schedule(static)
  for (std::uint64_t n = 0; n < rows.rows; ++n) {
    const float factor = HWY_DYNAMIC_DISPATCH(transform_row)(op.transform, rows, n);
    if (op.scale != nullptr) op.scale[n] = factor;
  }
}

void run(const TransformRowsGradient& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const MatrixView<float> gradient = op.gradient;
#pragma omp parallel for num_threads(threads_for_rows(gradient.rows, gradient.stride, n_threads)) schedule(static)
  for (std::uint64_t n = 0; n < gradient.rows; ++n) {
    HWY_DYNAMIC_DISPATCH(transform_row_gradient)(op.transform, op.vectors.row(n), op.scale[n], gradient, n);
  }
}

}  // namespace unfold::cpu
#endif
