// Threads, warps and blocks: the one place that shuffles, reduces across lanes, touches memory in vectors or adds
// atomically. Nothing else here depends on how a warp exchanges values, but warp_matrix.cuh, which multiplies matrices.
//
// A kernel's warps stay whole: loops that contain a shuffle have the same trip count for all 32 lanes, and lanes
// without work take part with a neutral value. So every mask is the full warp, also where a warp is cut into
// groups of kWidth lanes that each own a row.
//
// All of it is plain C++ over CUDA's names (threadIdx, __shfl_xor_sync, __syncthreads, atomicAdd, __ldcg, float4...).
// tests/simt provides those names to a host compiler and runs every kernel on the CPU.
#pragma once

#include <cstdint>
#include <type_traits>

#include "unfold/float16.hpp"
#include "unfold/matrix_view.hpp"
#include "unfold/random.hpp"

#if defined(__CUDACC__)
#define UNFOLD_UNROLL _Pragma("unroll")
#define UNFOLD_UNROLL_BY(n) UNFOLD_PRAGMA(unroll n)
#define UNFOLD_PRAGMA(text) _Pragma(#text)
#else
#define UNFOLD_UNROLL
#define UNFOLD_UNROLL_BY(n)
#endif
// An array in the block's shared memory, of a size that is known here or that the launch gives (Grid::shared_bytes, one
// such array a kernel). Shared memory is declared in no other way: tests/simt has these two of its own.
#if defined(__CUDACC__)
#define UNFOLD_SHARED_ARRAY(type, name, size) __shared__ type name[size]
#define UNFOLD_DYNAMIC_SHARED(type, name)                        \
  extern __shared__ __align__(16) unsigned char unfold_shared[]; \
  type* const name = reinterpret_cast<type*>(unfold_shared)
#endif

namespace unfold::cuda {

inline constexpr unsigned kWarpSize = 32;
inline constexpr unsigned kFullWarp = 0xFFFFFFFFu;

// --- where a thread stands ----------------------------------------------------------------------------------------

__device__ inline std::uint64_t thread_index() {
  return static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::uint64_t thread_count() { return static_cast<std::uint64_t>(gridDim.x) * blockDim.x; }

// A group: kWidth neighbouring lanes of one warp. kWidth is a power of two, at most 32; blockDim.x is a multiple of
// the warp.
template <int kWidth>
__device__ inline unsigned group_lane() {
  return threadIdx.x % kWidth;
}
template <int kWidth>
__device__ inline std::uint64_t group_index() {
  return thread_index() / kWidth;
}
template <int kWidth>
__device__ inline std::uint64_t group_count() {
  return thread_count() / kWidth;
}

// --- exchange -----------------------------------------------------------------------------------------------------

// The sum over the group, the same bits in each of its lanes. Called by whole warps.
template <int kWidth, typename T>
__device__ inline T group_sum(T value) {
  if constexpr (kWidth == kWarpSize && std::is_same_v<T, std::uint32_t>) {
    return __reduce_add_sync(kFullWarp, value);
  } else {
    UNFOLD_UNROLL
    for (int offset = kWidth / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(kFullWarp, value, offset);
    return value;
  }
}

// The sum over the warp's groups of kWidth lanes, of what stands at the same place of each. Called by whole warps.
template <int kWidth, typename T>
__device__ inline T sum_over_groups(T value) {
  UNFOLD_UNROLL
  for (int offset = kWidth; offset < static_cast<int>(kWarpSize); offset *= 2) {
    value += __shfl_xor_sync(kFullWarp, value, offset);
  }
  return value;
}

// Whether it is so in any lane of the warp. Called by whole warps.
__device__ inline bool warp_any(bool is_so) { return __any_sync(kFullWarp, is_so) != 0; }

// The larger one, and NaN where there is one: fmaxf would hide it.
__device__ inline float larger_or_nan(float a, float b) { return b > a || b != b ? b : a; }

// The largest over the warp, or NaN, in each lane. Called by whole warps.
__device__ inline float warp_max(float value) {
  UNFOLD_UNROLL
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
    value = larger_or_nan(value, __shfl_xor_sync(kFullWarp, value, offset));
  }
  return value;
}

// The largest over the group, in each of its lanes; of numbers, where there are any. Called by whole warps.
template <int kWidth>
__device__ inline float group_max(float value) {
  UNFOLD_UNROLL
  for (int offset = kWidth / 2; offset > 0; offset /= 2) {
    value = fmaxf(value, __shfl_xor_sync(kFullWarp, value, offset));
  }
  return value;
}

// Lane 0's value in each lane of the group. Called by whole warps.
template <int kWidth, typename T>
__device__ inline T group_broadcast(T value) {
  if constexpr (kWidth == 1) return value;
  return __shfl_sync(kFullWarp, value, 0, kWidth);
}

// The sum over the block in thread 0, added in a fixed order; other threads get an unspecified value. Called by
// whole blocks, of at most 1024 threads.
template <typename T>
__device__ inline T block_sum(T value) {
  UNFOLD_SHARED_ARRAY(T, warp_sums, kWarpSize);
  const unsigned lane = threadIdx.x % kWarpSize;
  const unsigned warp = threadIdx.x / kWarpSize;
  value = group_sum<kWarpSize>(value);
  if (lane == 0) warp_sums[warp] = value;
  __syncthreads();
  if (warp == 0) value = group_sum<kWarpSize>(lane < blockDim.x / kWarpSize ? warp_sums[lane] : T(0));
  __syncthreads();  // warp_sums may be written again by a second call
  return value;
}

// The sum of each of several values over the block, the same bits in each thread, added in a fixed order. Called by
// whole blocks, of at most 1024 threads.
template <int kCount>
__device__ inline void block_sums(float (&values)[kCount]) {
  UNFOLD_SHARED_ARRAY(float, warp_sums, kCount* kWarpSize);
  const unsigned lane = threadIdx.x % kWarpSize;
  const unsigned warp = threadIdx.x / kWarpSize;
  UNFOLD_UNROLL
  for (int k = 0; k < kCount; ++k) {
    values[k] = group_sum<kWarpSize>(values[k]);
    if (lane == 0) warp_sums[k * kWarpSize + warp] = values[k];
  }
  __syncthreads();
  UNFOLD_UNROLL
  for (int k = 0; k < kCount; ++k) {
    values[k] = group_sum<kWarpSize>(lane < blockDim.x / kWarpSize ? warp_sums[k * kWarpSize + lane] : 0.0f);
  }
  __syncthreads();  // warp_sums may be written again by a second call
}

// The largest over the block, or NaN, in each thread. Called by whole blocks, of at most 1024 threads.
__device__ inline float block_max(float value) {
  UNFOLD_SHARED_ARRAY(float, warp_highs, kWarpSize);
  const unsigned lane = threadIdx.x % kWarpSize;
  value = warp_max(value);
  if (lane == 0) warp_highs[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  value = warp_max(warp_highs[lane < blockDim.x / kWarpSize ? lane : 0]);
  __syncthreads();  // warp_highs may be written again by a second call
  return value;
}

// The sum over the block's threads below this one, in `total` the sum over all. Called by whole blocks, of at most 1024
// threads.
template <typename T>
__device__ inline T block_prefix_sum(T value, T& total) {
  UNFOLD_SHARED_ARRAY(T, warp_totals, kWarpSize);
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  T sum = value;  // over the lanes up to this one
  UNFOLD_UNROLL
  for (unsigned offset = 1; offset < kWarpSize; offset *= 2) {
    const T below = __shfl_up_sync(kFullWarp, sum, offset);
    if (lane >= offset) sum += below;
  }
  if (lane == kWarpSize - 1) warp_totals[warp] = sum;
  __syncthreads();
  total = 0;
  T before = 0;  // of the warps below
  for (unsigned w = 0; w < blockDim.x / kWarpSize; ++w) {
    if (w == warp) before = total;
    total += warp_totals[w];
  }
  __syncthreads();  // warp_totals may be written again by a second call
  return before + sum - value;
}

template <typename T>
__device__ inline void atomic_add(T* address, T value) {
  atomicAdd(address, value);
}
__device__ inline void atomic_add(std::uint64_t* address, std::uint64_t value) {
  static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
  atomicAdd(reinterpret_cast<unsigned long long*>(address), static_cast<unsigned long long>(value));
}

__device__ inline void atomic_or(std::uint32_t* address, std::uint32_t bits) { atomicOr(address, bits); }

// The value before.
template <typename T>
__device__ inline T atomic_fetch_add(T* address, T value) {
  return atomicAdd(address, value);
}

// --- memory in vectors --------------------------------------------------------------------------------------------

// How a load may be answered. kAnyCache: the memory does not change while the kernel runs, or the thread owns it.
// kSharedCache: other multiprocessors write it; their first-level caches are not coherent, so it is read from L2,
// else a hot row would be stale for as long as it stays hot.
enum class LoadKind { kAnyCache, kSharedCache };

template <LoadKind kLoad, typename T>
__device__ inline T load(const T* address) {
  if constexpr (kLoad == LoadKind::kSharedCache) {
    return __ldcg(address);
  } else {
    return *address;
  }
}

// kPack floats: 1, or 4 in one access at a multiple of 16 bytes, or 8 in two.
template <int kPack, LoadKind kLoad = LoadKind::kAnyCache>
__device__ inline void load_pack(const float* address, float (&out)[kPack]) {
  static_assert(kPack == 1 || kPack == 4 || kPack == 8);
  if constexpr (kPack == 1) {
    out[0] = load<kLoad>(address);
  } else {
    UNFOLD_UNROLL
    for (int j = 0; j < kPack; j += 4) {
      const float4 x = load<kLoad>(reinterpret_cast<const float4*>(address + j));
      out[j] = x.x;
      out[j + 1] = x.y;
      out[j + 2] = x.z;
      out[j + 3] = x.w;
    }
  }
}

template <int kPack>
__device__ inline void store_pack(float* address, const float (&in)[kPack]) {
  static_assert(kPack == 1 || kPack == 4 || kPack == 8);
  if constexpr (kPack == 1) {
    *address = in[0];
  } else {
    UNFOLD_UNROLL
    for (int j = 0; j < kPack; j += 4) {
      *reinterpret_cast<float4*>(address + j) = make_float4(in[j], in[j + 1], in[j + 2], in[j + 3]);
    }
  }
}

// Two floats in one access at a multiple of 8 bytes.
__device__ inline void store_pair(float* address, float first, float second) {
  *reinterpret_cast<float2*>(address) = make_float2(first, second);
}

// Two elements of 16 bits in a word: the lower half is the first.
template <typename Element>
__device__ inline void unpack_pair(std::uint32_t word, float& first, float& second) {
  first = to_float(Element{static_cast<std::uint16_t>(word)});
  second = to_float(Element{static_cast<std::uint16_t>(word >> 16)});
}
// Rounded stochastically, the first with the lower half of `random`. Both are summable (float16.hpp).
template <typename Element>
__device__ inline std::uint32_t pack_pair(float first, float second, std::uint32_t random) {
  const std::uint32_t low = __byte_perm(random, 0, 0x4410), high = __byte_perm(random, 0, 0x4432);
  if constexpr (std::is_same_v<Element, Bfloat16>) {
    return __byte_perm(bfloat16_sum(first, low), bfloat16_sum(second, high), 0x7632);
  } else {
    return __byte_perm(float16_sum(first, low), float16_sum(second, high), 0x5410);
  }
}
template <typename Element>
__device__ inline std::uint32_t pack_nearest(float first, float second) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<Element, Bfloat16>) {
    std::uint32_t out;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(second), "f"(first));  // the upper half comes first
    return out;
  }
#endif
  const std::uint32_t low = round_nearest<Element>(first).bits, high = round_nearest<Element>(second).bits;
  return low | high << 16;
}

// kPack elements of 16 bits in one access: 1, 4 at a multiple of 8 bytes, or 8 at a multiple of 16.
template <int kPack, LoadKind kLoad = LoadKind::kAnyCache, typename Element>
__device__ inline void load_pack(const Element* address, float (&out)[kPack]) {
  static_assert(sizeof(Element) == 2 && (kPack == 1 || kPack == 4 || kPack == 8));
  if constexpr (kPack == 8) {
    const uint4 x = load<kLoad>(reinterpret_cast<const uint4*>(address));
    unpack_pair<Element>(x.x, out[0], out[1]);
    unpack_pair<Element>(x.y, out[2], out[3]);
    unpack_pair<Element>(x.z, out[4], out[5]);
    unpack_pair<Element>(x.w, out[6], out[7]);
  } else if constexpr (kPack == 4) {
    const auto x = load<kLoad>(reinterpret_cast<const unsigned long long*>(address));
    unpack_pair<Element>(static_cast<std::uint32_t>(x), out[0], out[1]);
    unpack_pair<Element>(static_cast<std::uint32_t>(x >> 32), out[2], out[3]);
  } else {
    out[0] = to_float(Element{load<kLoad>(&address->bits)});
  }
}

// Eight elements in one store, rounded stochastically: round_stochastic of each, which here asks all of them at once
// for the values that are rarely there.
template <typename Element>
__device__ inline void store_pack(Element* address, const float (&in)[8], const RandomBlock& random) {
  static_assert(sizeof(Element) == 2);
  float x[8];
  bool all_summable = true;
  UNFOLD_UNROLL
  for (int j = 0; j < 8; j += 2) {
    x[j] = in[j];
    x[j + 1] = in[j + 1];
    all_summable &= is_summable<Element>(x[j]) & is_summable<Element>(x[j + 1]);
  }
  if (!all_summable) {
    UNFOLD_UNROLL
    for (int j = 0; j < 8; ++j) x[j] = summable<Element>(x[j]);
  }
  *reinterpret_cast<uint4*>(address) =
      make_uint4(pack_pair<Element>(x[0], x[1], random.v[0]), pack_pair<Element>(x[2], x[3], random.v[1]),
                 pack_pair<Element>(x[4], x[5], random.v[2]), pack_pair<Element>(x[6], x[7], random.v[3]));
}

// Eight elements in one store, rounded to the nearest.
template <typename Element>
__device__ inline void store_nearest(Element* address, const float (&in)[8]) {
  static_assert(sizeof(Element) == 2);
  *reinterpret_cast<uint4*>(address) =
      make_uint4(pack_nearest<Element>(in[0], in[1]), pack_nearest<Element>(in[2], in[3]),
                 pack_nearest<Element>(in[4], in[5]), pack_nearest<Element>(in[6], in[7]));
}

// Four elements of float32, by the same name.
__device__ inline void store_nearest(float* address, const float (&in)[4]) { store_pack(address, in); }

}  // namespace unfold::cuda
