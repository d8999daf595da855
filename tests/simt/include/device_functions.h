// Device functions: barriers, exchange between lanes, atomics, cached loads, bits. __activemask is not here on purpose:
// which lanes are active together is an accident.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "tests/simt/device.hpp"

// --- barriers -----------------------------------------------------------------------------------------------------

inline void __syncthreads(const std::source_location& where = std::source_location::current()) { simt::barrier(where); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu,
                       const std::source_location& where = std::source_location::current()) {
  simt::exchange(simt::Exchange::kNothing, mask, 0, 0, where);
}
// Threads run one at a time and see each other's writes at once.
inline void __threadfence() {}
inline void __threadfence_block() {}

// --- exchange between lanes ---------------------------------------------------------------------------------------

namespace simt {

template <typename T>
T shuffle(unsigned mask, T value, unsigned source, const std::source_location& where) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "CUDA shuffles 4 or 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(Exchange::kShuffle, mask, bits, source, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// The caller's lane, and the first and last one of its part of `width` lanes.
struct LanePart {
  explicit LanePart(int width)
      : lane(thread_index.x % 32),
        first(lane & ~(static_cast<unsigned>(width) - 1)),
        last(lane | (static_cast<unsigned>(width) - 1)) {}
  unsigned lane, first, last;
};

}  // namespace simt

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              const std::source_location& where = std::source_location::current()) {
  const simt::LanePart part(width);
  return simt::shuffle(mask, value, part.first | (static_cast<unsigned>(source) & (part.last - part.first)), where);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  const std::source_location& where = std::source_location::current()) {
  const simt::LanePart part(width);
  const unsigned source = part.lane ^ static_cast<unsigned>(lane_mask);
  return simt::shuffle(mask, value, source <= part.last ? source : part.lane, where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 const std::source_location& where = std::source_location::current()) {
  const simt::LanePart part(width);
  return simt::shuffle(mask, value, part.lane >= part.first + delta ? part.lane - delta : part.lane, where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const std::source_location& where = std::source_location::current()) {
  const simt::LanePart part(width);
  return simt::shuffle(mask, value, part.lane + delta <= part.last ? part.lane + delta : part.lane, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const std::source_location& where = std::source_location::current()) {
  return static_cast<unsigned>(simt::exchange(simt::Exchange::kVote, mask, predicate != 0, 0, where));
}
inline int __any_sync(unsigned mask, int predicate,
                      const std::source_location& where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      const std::source_location& where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  const std::source_location& where = std::source_location::current()) {
  unsigned sum = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1u) != 0) sum += simt::shuffle(mask, value, lane, where);
  }
  return sum;
}
template <typename T>
unsigned __match_any_sync(unsigned mask, T value, const std::source_location& where = std::source_location::current()) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "CUDA matches 4 or 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return static_cast<unsigned>(simt::exchange(simt::Exchange::kMatch, mask, bits, 0, where));
}

// --- atomics: a thread runs until it waits, so plain reads and writes are ------------------------------------------

#define UNFOLD_SIMT_ATOMIC(name, T, result) \
  inline T name(T* address, T value) {      \
    const T old = *address;                 \
    *address = result;                      \
    return old;                             \
  }
#define UNFOLD_SIMT_INTEGER_ATOMICS(T)                        \
  UNFOLD_SIMT_ATOMIC(atomicAdd, T, old + value)               \
  UNFOLD_SIMT_ATOMIC(atomicExch, T, value)                    \
  UNFOLD_SIMT_ATOMIC(atomicMin, T, value < old ? value : old) \
  UNFOLD_SIMT_ATOMIC(atomicMax, T, old < value ? value : old) \
  UNFOLD_SIMT_ATOMIC(atomicAnd, T, old& value)                \
  UNFOLD_SIMT_ATOMIC(atomicOr, T, old | value)                \
  UNFOLD_SIMT_ATOMIC(atomicXor, T, old ^ value)               \
  inline T atomicCAS(T* address, T expected, T value) {       \
    const T old = *address;                                   \
    if (old == expected) *address = value;                    \
    return old;                                               \
  }
UNFOLD_SIMT_INTEGER_ATOMICS(int)
UNFOLD_SIMT_INTEGER_ATOMICS(unsigned)
UNFOLD_SIMT_INTEGER_ATOMICS(unsigned long long)
UNFOLD_SIMT_ATOMIC(atomicAdd, float, old + value)
UNFOLD_SIMT_ATOMIC(atomicAdd, double, old + value)
UNFOLD_SIMT_ATOMIC(atomicExch, float, value)
UNFOLD_SIMT_ATOMIC(atomicSub, int, old - value)
UNFOLD_SIMT_ATOMIC(atomicSub, unsigned, old - value)
#undef UNFOLD_SIMT_INTEGER_ATOMICS
#undef UNFOLD_SIMT_ATOMIC

// --- loads and stores past a cache --------------------------------------------------------------------------------

template <typename T>
T __ldg(const T* address) {
  return *address;
}
template <typename T>
T __ldcg(const T* address) {
  return *address;
}
template <typename T>
T __ldcs(const T* address) {
  return *address;
}
template <typename T>
void __stcg(T* address, T value) {
  *address = value;
}
template <typename T>
void __stcs(T* address, T value) {
  *address = value;
}

// --- bits and arithmetic ------------------------------------------------------------------------------------------

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
// From 1, and 0 where no bit is set.
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline int __ffsll(long long x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1; }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}
// Byte k of the result is byte (selector >> 4 * k & 7) of the eight of a and b.
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const unsigned long long bytes = static_cast<unsigned long long>(b) << 32 | a;
  unsigned out = 0;
  for (unsigned k = 0; k < 4; ++k) {
    out |= static_cast<unsigned>(bytes >> 8 * (selector >> 4 * k & 7u) & 0xFFu) << 8 * k;
  }
  return out;
}
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
