// Vectors of float32 from and to table elements, and the random bits that 16-bit elements are rounded with: the same
// bits as the scalar functions of float16.hpp and optimizer.hpp. Included once a SIMD target.
#if defined(UNFOLD_HOST_OPS_ELEMENTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef UNFOLD_HOST_OPS_ELEMENTS_INL
#undef UNFOLD_HOST_OPS_ELEMENTS_INL
#else
#define UNFOLD_HOST_OPS_ELEMENTS_INL
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "unfold/optimizer.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
using BitsTag = hn::RebindToUnsigned<FloatTag>;
using BitsVec = hn::Vec<BitsTag>;
using HalfTag = hn::Rebind<std::uint16_t, FloatTag>;  // as many lanes as a FloatVec

template <typename Element>
inline constexpr bool kIsRounded = sizeof(Element) == 2;

// --- from elements to floats --------------------------------------------------------------------------------------

HWY_INLINE BitsVec load_halves(const std::uint16_t* from) {
  return hn::PromoteTo(BitsTag(), hn::Load(HalfTag(), from));
}

// A vector of elements at a multiple of its size.
HWY_INLINE FloatVec load_floats(const float* from) { return hn::Load(FloatTag(), from); }
HWY_INLINE FloatVec load_floats(const Bfloat16* from) {
  return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(load_halves(&from->bits)));
}
HWY_INLINE FloatVec load_floats(const Float16* from) {
  const FloatTag d;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, FloatTag>(), hn::Load(HalfTag(), &from->bits)));
#else
  // Highway's own conversion makes numbers of infinities where the instruction is missing.
  const BitsTag di;
  const BitsVec bits = load_halves(&from->bits);
  const BitsVec magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(di, 0x7FFFu)));
  const BitsVec finite = hn::BitCast(di, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1.0p112f)));
  const BitsVec special = hn::Or(magnitude, hn::Set(di, 0x7F800000u));
  const auto is_finite = hn::Lt(magnitude, hn::Set(di, 0x7C00u << 13));
  const BitsVec sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(di, 0x8000u)));
  return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_finite, finite, special)));
#endif
}

// --- from floats to elements, rounded stochastically ----------------------------------------------------------------

template <typename Element>
HWY_INLINE BitsVec rounded_bits(FloatVec x, BitsVec random);
template <>
HWY_INLINE BitsVec rounded_bits<Bfloat16>(FloatVec x, BitsVec random) {
  const BitsTag di;
  const BitsVec bits = hn::BitCast(di, x);
  const BitsVec not_a_number = hn::Or(bits, hn::Set(di, 0x400000u));
  const auto is_nan = hn::RebindMask(di, hn::IsNaN(x));
  return hn::ShiftRight<16>(hn::IfThenElse(is_nan, not_a_number, hn::Add(bits, random)));
}
template <>
HWY_INLINE BitsVec rounded_bits<Float16>(FloatVec x, BitsVec random) {
  const FloatTag d;
  const BitsTag di;
  const FloatVec magnitude = hn::Abs(x);
  const auto is_small = hn::Lt(magnitude, hn::Set(d, 0x1.0p-14f));
  const FloatVec normal = hn::IfThenElse(is_small, hn::Add(magnitude, hn::Set(d, 0x1.0p-14f)), magnitude);
  const BitsVec bias = hn::IfThenElse(hn::RebindMask(di, is_small), hn::Set(di, 113u << 10), hn::Set(di, 112u << 10));
  const BitsVec sum = hn::Add(hn::BitCast(di, normal), hn::ShiftRight<3>(random));
  const BitsVec finite = hn::Sub(hn::ShiftRight<13>(sum), bias);
  const auto is_nan = hn::RebindMask(di, hn::IsNaN(x));
  const BitsVec special = hn::IfThenElse(is_nan, hn::Set(di, 0x7E00u), hn::Set(di, 0x7C00u));
  const auto is_finite = hn::RebindMask(di, hn::Lt(magnitude, hn::Set(d, 0x1.0p16f)));
  const BitsVec sign = hn::And(hn::ShiftRight<16>(hn::BitCast(di, x)), hn::Set(di, 0x8000u));
  return hn::Or(sign, hn::IfThenElse(is_finite, finite, special));
}

// A vector of elements to a multiple of its size. `random` holds 16 random bits for each of them.
HWY_INLINE void store_floats(FloatVec x, float* to, const std::uint16_t*) { hn::Store(x, FloatTag(), to); }
template <typename Element>
HWY_INLINE void store_floats(FloatVec x, Element* to, const std::uint16_t* random) {
  const BitsVec bits = rounded_bits<Element>(x, load_halves(random));
  hn::Store(hn::TruncateTo(HalfTag(), bits), HalfTag(), &to->bits);
}

// --- random bits ----------------------------------------------------------------------------------------------------

// Random bits of rows of up to kMaxStride columns (rounding_bits of optimizer.hpp). For float nothing is drawn.
template <typename Element>
class RowRounding {
 public:
  static constexpr std::size_t kMaxStride = 1024;

  explicit RowRounding(std::uint64_t key) : key_(key) {
    auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < kRoundingRounds; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      keys0_[round] = k0;
      keys1_[round] = k1;
    }
  }

  // Rows of the kPlaces places 2 * number and 2 * number + 1: bits(0) and bits(1), a number a column. `stride` is a
  // multiple of 16.
  template <int kPlaces>
  HWY_INLINE void draw(std::uint64_t number, std::size_t stride) {
    if constexpr (!kIsRounded<Element>) return;
    const std::size_t n_blocks = stride / 8;
#if HWY_TARGET == HWY_SCALAR
    for (int place = 0; place < kPlaces; ++place) {
      for (std::size_t k = 0; k < n_blocks; ++k) {
        const RandomBlock random = rounding_bits(key_, 2 * number + place, static_cast<std::uint32_t>(k));
        std::memcpy(bits_[place] + 8 * k, random.v, sizeof(random.v));
      }
    }
#else
    const std::size_t lanes = hn::Lanes(Tag64());
    std::size_t first = 0;
    if constexpr (kMostVectors == 4) {
      for (; first + 2 * lanes < n_blocks; first += 4 * lanes) draw_vectors<4, kPlaces>(number, first);
    }
    for (; first + lanes < n_blocks; first += 2 * lanes) draw_vectors<2, kPlaces>(number, first);
    if (first < n_blocks) draw_vectors<1, kPlaces>(number, first);
#endif
  }
  const std::uint16_t* bits(int place) const { return bits_[place]; }

 private:
#if HWY_TARGET != HWY_SCALAR
  using Tag64 = hn::ScalableTag<std::uint64_t>;
  using Tag32 = hn::Repartition<std::uint32_t, Tag64>;
  // A round of Philox waits for the one before it, so several vectors of blocks go side by side: as many as registers
  // hold.
  static constexpr int kMostVectors = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 4 : 2;

  // Philox (random.hpp), a block a 64-bit lane, of which only the lower half counts.
  class Blocks {
   public:
    // Blocks first, first + 1, ... of the places of a number.
    HWY_INLINE void start(std::uint64_t number, std::size_t first) {
      const Tag64 d;
      c0_ = hn::BitCast(Tag32(), hn::Set(d, number));
      c1_ = hn::Shuffle2301(c0_);
      c2_ = hn::BitCast(Tag32(), hn::Iota(d, first));
      c3_ = hn::Zero(Tag32());
    }
    HWY_INLINE void mix(std::uint32_t key0, std::uint32_t key1) {
      const Tag32 d;
      const auto product0 = hn::BitCast(d, hn::MulEven(hn::Set(d, 0xD2511F53u), c0_));
      const auto product1 = hn::BitCast(d, hn::MulEven(hn::Set(d, 0xCD9E8D57u), c2_));
      c0_ = hn::Xor(hn::Xor(hn::Shuffle2301(product1), c1_), hn::Set(d, key0));
      c2_ = hn::Xor(hn::Xor(hn::Shuffle2301(product0), c3_), hn::Set(d, key1));
      c1_ = product1;
      c3_ = product0;
    }
    // Of the even place, and where there is an array for it of the odd one.
    HWY_INLINE void store(std::uint16_t* even, std::uint16_t* odd) const {
      const auto low = hn::OddEven(hn::Shuffle2301(c1_), c0_), high = hn::OddEven(hn::Shuffle2301(c3_), c2_);
      store_words(low, high, even);
      if (odd != nullptr) store_words(hn::RotateRight<24>(high), hn::RotateRight<24>(low), odd);
    }

   private:
    static HWY_INLINE void store_words(hn::Vec<Tag32> low, hn::Vec<Tag32> high, std::uint16_t* to) {
      const Tag64 d;
      hn::StoreInterleaved2(hn::BitCast(d, low), hn::BitCast(d, high), d, reinterpret_cast<std::uint64_t*>(to));
    }

    hn::Vec<Tag32> c0_, c1_, c2_, c3_;
  };

  template <int kVectors, int kPlaces>
  HWY_INLINE void draw_vectors(std::uint64_t number, std::size_t first) {
    const std::size_t lanes = hn::Lanes(Tag64());
    Blocks blocks[kVectors];
    for (int v = 0; v < kVectors; ++v) blocks[v].start(number, first + v * lanes);
    for (int round = 0; round < kRoundingRounds; ++round) {
      for (int v = 0; v < kVectors; ++v) blocks[v].mix(keys0_[round], keys1_[round]);
    }
    for (int v = 0; v < kVectors; ++v) {
      const std::size_t column = 8 * (first + v * lanes);
      blocks[v].store(bits_[0] + column, kPlaces == 2 ? bits_[1] + column : nullptr);
    }
  }
#endif

  std::uint64_t key_;
  std::uint32_t keys0_[kRoundingRounds], keys1_[kRoundingRounds];
  // Whole vectors are written, up to three of them past a row.
  HWY_ALIGN_MAX std::uint16_t bits_[2][kIsRounded<Element> ? kMaxStride + 256 : 1];
};

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
