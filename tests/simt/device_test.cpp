// Device functions of the emulator against what CUDA's manual says of them: shared memory, exchange, atomics, bits.
#include <cmath>
#include <numeric>

#include "tests/simt/kernel_test.hpp"

namespace unfold::test {
namespace {

constexpr unsigned kAll = cuda::kFullWarp;

// Before anything is written: a float of the block's memory, and then something for the next block to find.
__global__ void fresh_memory_kernel(float* fixed, float* dynamic, float* again) {
  UNFOLD_SHARED_ARRAY(float, values, 40);
  UNFOLD_DYNAMIC_SHARED(float, more);
  if (threadIdx.x == 0) {
    fixed[blockIdx.x] = values[39];
    dynamic[blockIdx.x] = more[24];
    values[39] = more[24] = 1;
  }
  __syncthreads();
  if (threadIdx.x == 1) again[blockIdx.x] = values[39] + more[24];
}

TEST(EmulatedDevice, SharedMemoryIsTheBlocksOwnAndStartsAsNan) {
  std::vector<float> fixed(4), dynamic(4), again(4);
  launch<fresh_memory_kernel>({4, 64, 25 * sizeof(float)}, fixed.data(), dynamic.data(), again.data());
  for (int block = 0; block < 4; ++block) {
    EXPECT_TRUE(std::isnan(fixed[block])) << block;
    EXPECT_TRUE(std::isnan(dynamic[block])) << block;
    EXPECT_EQ(again[block], 2) << block;
  }
}

#if defined(__SANITIZE_ADDRESS__)
template <bool kDynamic>
__global__ void past_the_end_kernel(unsigned n) {
  UNFOLD_SHARED_ARRAY(char, values, 40);
  UNFOLD_DYNAMIC_SHARED(char, more);
  (kDynamic ? more : values)[threadIdx.x + n] = 0;
}

TEST(EmulatedDevice, AddressSanitizerSeesTheEndOfSharedMemory) {
  launch<past_the_end_kernel<false>>({1, 32, 25}, 8u);
  EXPECT_DEATH(launch<past_the_end_kernel<false>>({1, 32, 25}, 9u), "heap-buffer-overflow");
  EXPECT_DEATH(launch<past_the_end_kernel<true>>({1, 32, 25}, 0u), "heap-buffer-overflow");
}
#endif

__global__ void shuffle_kernel(int width, int* out) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  int* const mine = out + 4 * threadIdx.x;
  mine[0] = __shfl_sync(kAll, lane, 5, width);
  mine[1] = __shfl_xor_sync(kAll, lane, 3, width);
  mine[2] = __shfl_up_sync(kAll, lane, 3, width);
  mine[3] = __shfl_down_sync(kAll, lane, 3, width);
}

TEST(EmulatedDevice, ShufflesWithinParts) {
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    std::vector<int> out(4 * 64);
    launch<shuffle_kernel>({1, 64}, width, out.data());
    for (int thread = 0; thread < 64; ++thread) {
      const int lane = thread % 32, first = lane / width * width, last = first + width - 1;
      SCOPED_TRACE(testing::Message() << "width " << width << " lane " << lane);
      EXPECT_EQ(out[4 * thread], first + 5 % width);
      EXPECT_EQ(out[4 * thread + 1], (lane ^ 3) <= last ? lane ^ 3 : lane);
      EXPECT_EQ(out[4 * thread + 2], lane - 3 >= first ? lane - 3 : lane);
      EXPECT_EQ(out[4 * thread + 3], lane + 3 <= last ? lane + 3 : lane);
    }
  }
}

__global__ void value_kernel(double* doubles, unsigned long long* words) {
  doubles[threadIdx.x] = __shfl_xor_sync(kAll, 0.5 * threadIdx.x, 1);
  words[threadIdx.x] = __shfl_down_sync(kAll, ~0ull - threadIdx.x, 1);
}

TEST(EmulatedDevice, ShufflesEightBytes) {
  std::vector<double> doubles(32);
  std::vector<unsigned long long> words(32);
  launch<value_kernel>({1, 32}, doubles.data(), words.data());
  for (unsigned t = 0; t < 32; ++t) {
    EXPECT_EQ(doubles[t], 0.5 * (t ^ 1));
    EXPECT_EQ(words[t], ~0ull - (t < 31 ? t + 1 : t));
  }
}

// Even lanes vote in one call, odd ones in another.
__global__ void vote_kernel(unsigned* out) {
  const unsigned mask = threadIdx.x % 2 == 0 ? 0x55555555u : 0xAAAAAAAAu;
  unsigned* const mine = out + 5 * threadIdx.x;
  mine[0] = __ballot_sync(mask, threadIdx.x < 8);
  mine[1] = static_cast<unsigned>(__any_sync(mask, threadIdx.x == 2));
  mine[2] = static_cast<unsigned>(__all_sync(mask, threadIdx.x % 2 == 0));
  mine[3] = __match_any_sync(mask, threadIdx.x / 4);
  mine[4] = __reduce_add_sync(mask, threadIdx.x);
}

TEST(EmulatedDevice, Votes) {
  std::vector<unsigned> out(5 * 32);
  launch<vote_kernel>({1, 32}, out.data());
  for (unsigned t = 0; t < 32; ++t) {
    const unsigned mask = t % 2 == 0 ? 0x55555555u : 0xAAAAAAAAu;
    EXPECT_EQ(out[5 * t], mask & 0xFFu);
    EXPECT_EQ(out[5 * t + 1], t % 2 == 0 ? 1u : 0u);
    EXPECT_EQ(out[5 * t + 2], t % 2 == 0 ? 1u : 0u);
    EXPECT_EQ(out[5 * t + 3], mask & 0xFu << t / 4 * 4);
    EXPECT_EQ(out[5 * t + 4], t % 2 == 0 ? 240u : 256u);
  }
}

struct Sums {
  int integer = 0;
  unsigned most = 0, least = 1000, bits = 0, next = 0;
  unsigned long long wide = 0, shared = 0;
  float single = 0;
  double twice = 0;
};
__global__ void atomic_kernel(Sums* sums, unsigned* winners) {
  UNFOLD_SHARED_ARRAY(unsigned long long, in_block, 1);
  if (threadIdx.x == 0) in_block[0] = 0;
  __syncthreads();
  const unsigned thread = static_cast<unsigned>(cuda::thread_index());
  atomicAdd(&sums->integer, -1);
  atomicAdd(&sums->wide, 1ull << 33);
  atomicAdd(&sums->single, 0.5f);
  atomicAdd(&sums->twice, 0.25);
  atomicMax(&sums->most, thread);
  atomicMin(&sums->least, thread + 3);
  atomicOr(&sums->bits, 1u << threadIdx.x % 32);
  if (atomicCAS(&sums->next, 0u, thread + 1) == 0) *winners += 1;
  atomicAdd(in_block, static_cast<unsigned long long>(threadIdx.x));
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(&sums->shared, in_block[0]);
}

TEST(EmulatedDevice, AddsAtomically) {
  Sums sums;
  unsigned winners = 0;
  launch<atomic_kernel>({3, 64}, &sums, &winners);
  EXPECT_EQ(sums.integer, -192);
  EXPECT_EQ(sums.wide, 192ull << 33);
  EXPECT_EQ(sums.single, 96);
  EXPECT_EQ(sums.twice, 48);
  EXPECT_EQ(sums.most, 191u);
  EXPECT_EQ(sums.least, 3u);
  EXPECT_EQ(sums.bits, ~0u);
  EXPECT_EQ(winners, 1u);
  EXPECT_EQ(sums.shared, 3u * 64 * 63 / 2);
}

__global__ void vector_kernel(const std::uint16_t* in, std::uint16_t* out) {
  const uint4 eight = __ldg(reinterpret_cast<const uint4*>(in) + threadIdx.x);
  reinterpret_cast<uint4*>(out)[threadIdx.x] = make_uint4(eight.w, eight.z, eight.y, eight.x);
}

TEST(EmulatedDevice, MovesVectors) {
  static_assert(alignof(float4) == 16 && alignof(uint2) == 8 && alignof(double2) == 16 && alignof(ushort4) == 8);
  alignas(16) std::uint16_t in[32 * 8], out[32 * 8] = {};
  std::iota(std::begin(in), std::end(in), std::uint16_t{0});
  launch<vector_kernel>({1, 32}, &in[0], &out[0]);
  for (unsigned k = 0; k < 32 * 8; ++k) EXPECT_EQ(out[k], k / 8 * 8 + (3 - k % 8 / 2) * 2 + k % 2);
}

TEST(EmulatedDevice, CountsBits) {
  EXPECT_EQ(__popc(0xF0F0u), 8);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__umulhi(0x80000000u, 6), 3u);
  EXPECT_EQ(__byte_perm(0x03020100u, 0x07060504u, 0x7632), 0x07060302u);
  EXPECT_EQ(__byte_perm(0x13121110u, 0, 0x4410), 0x1110u);
  EXPECT_EQ(__umul64hi(1ull << 63, 6), 3u);
  EXPECT_EQ(__uint_as_float(__float_as_uint(1.5f)), 1.5f);
}

}  // namespace
}  // namespace unfold::test
