// Dropout of a row's elements. Included once a SIMD target. Rows hold whole vectors.
#if defined(UNFOLD_HOST_OPS_DROPOUT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_DROPOUT_INL
#undef UNFOLD_HOST_OPS_DROPOUT_INL
#else
#define UNFOLD_HOST_OPS_DROPOUT_INL
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "host/ops/elements-inl.hpp"
#include "hwy/highway.h"
#include "unfold/softmax_arguments.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::size_t kMostColumns = 1024;

// dropout_block of blocks 0, 1, ... into bits[4 * block + j], whole vectors of blocks, at least n_blocks. A block a
// 64-bit lane, of which only the lower half counts.
inline void draw_bits(const RandomKey& key, std::uint64_t n, std::size_t n_blocks, std::uint32_t* bits) {
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
inline void drop_elements(const RowTransform& transform, std::uint64_t n, std::size_t stride, float* row) {
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

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
