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

// dropout_block of blocks 0, 1, ... into bits[4 * block + j], pairs of vectors of blocks, at least n_blocks. A block a
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
  // Two vectors of blocks in turn: a round waits for the one before.
  for (std::size_t b = 0; b < n_blocks; b += 2 * hn::Lanes(d)) {
    hn::Vec<decltype(d)> c0[2], c1[2], c2[2], c3[2];
    for (std::size_t v = 0; v < 2; ++v) {
      c0[v] = hn::Set(d, low);
      c1[v] = hn::Set(d, low >> 32);
      c2[v] = hn::Set(d, std::uint64_t{key.step});
      c3[v] = hn::Xor(hn::Set(d, purpose), hn::ShiftLeft<8>(hn::Iota(d, b + v * hn::Lanes(d))));
    }
    auto k0 = static_cast<std::uint32_t>(key.seed), k1 = static_cast<std::uint32_t>(key.seed >> 32);
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const auto key0 = hn::Set(d, std::uint64_t{k0}), key1 = hn::Set(d, std::uint64_t{k1});
      for (std::size_t v = 0; v < 2; ++v) {
        const auto product0 = product(0xD2511F53u, c0[v]), product1 = product(0xCD9E8D57u, c2[v]);
        c0[v] = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), c1[v]), key0);
        c2[v] = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), c3[v]), key1);
        c1[v] = product1;
        c3[v] = product0;
      }
    }
    for (std::size_t v = 0; v < 2; ++v) {
      const auto left = hn::Or(hn::And(c0[v], lower_half), hn::ShiftLeft<32>(c1[v]));
      const auto right = hn::Or(hn::And(c2[v], lower_half), hn::ShiftLeft<32>(c3[v]));
      auto* const to = reinterpret_cast<std::uint64_t*>(bits + 4 * (b + v * hn::Lanes(d)));
      hn::StoreInterleaved2(left, right, d, to);
    }
  }
#endif
}

// row[c] *= kept ? 1 / (1 - dropout) : 0
inline void drop_elements(const RowTransform& transform, std::uint64_t n, std::size_t stride, float* row) {
  const FloatTag d;
  const BitsTag di;
  const hn::RebindToSigned<FloatTag> ds;
  // Pairs of vectors of blocks are written.
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
