// Products by warps, their loads and asynchronous copies on the emulator, against plain matrices.
#include <cuda_runtime.h>

#include <cmath>
#include <random>
#include <utility>

#include "kernels/warp_matrix.cuh"
#include "tests/simt/kernel_test.hpp"

namespace unfold::test {
namespace {

constexpr unsigned kRow = 24;  // elements from row to row in shared memory: 16 and some that are none of the matrix

struct Matrices {
  alignas(16) Bfloat16 a[16][16];
  alignas(16) Bfloat16 b[16][16];  // two factors of eight columns
  float sum[16][16];
};

// sum += a b, as kernels do it: factors by way of shared memory, b by rows or as its transpose by rows.
template <bool kTransposed>
__global__ void product_kernel(const Matrices* in, float* out) {
  UNFOLD_SHARED_ARRAY(uint4, memory, 2 * 16 * kRow / 8);
  Bfloat16* const a_rows = reinterpret_cast<Bfloat16*>(memory);
  Bfloat16* const b_rows = a_rows + 16 * kRow;
  for (unsigned k = threadIdx.x; k < 256; k += blockDim.x) {
    a_rows[k / 16 * kRow + k % 16] = in->a[k / 16][k % 16];
    b_rows[k / 16 * kRow + k % 16] = kTransposed ? in->b[k / 16][k % 16] : in->b[k % 16][k / 16];
  }
  __syncthreads();
  const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  std::uint32_t a[4], b[4];
  cuda::load_matrices<false>(a_rows + lane % 16 * kRow + lane / 16 * 8, a);
  if constexpr (kTransposed) {  // rows of b
    cuda::load_matrices<true>(b_rows + lane % 16 * kRow + lane / 16 * 8, b);
  } else {  // columns of b
    cuda::load_matrices<false>(b_rows + (lane / 16 * 8 + lane % 8) * kRow + lane / 8 % 2 * 8, b);
  }
  for (unsigned half = 0; half < 2; ++half) {
    float sum[4];
    for (unsigned n = 0; n < 4; ++n) sum[n] = in->sum[g + n / 2 * 8][8 * half + 2 * t + n % 2];
    cuda::multiply_add(sum, a, b[2 * half], b[2 * half + 1]);
    for (unsigned n = 0; n < 4; ++n)
      out[threadIdx.x / 32 * 256 + (g + n / 2 * 8) * 16 + 8 * half + 2 * t + n % 2] = sum[n];
  }
}

TEST(EmulatedWarpProducts, MultipliesAsMatricesDo) {
  std::mt19937 random(1);
  const auto number = [&] { return static_cast<float>(static_cast<int>(random() % 17) - 8); };
  Matrices in;
  for (unsigned r = 0; r < 16; ++r) {
    for (unsigned c = 0; c < 16; ++c) {
      in.a[r][c] = round_nearest<Bfloat16>(number());
      in.b[r][c] = round_nearest<Bfloat16>(number() / 4);
      in.sum[r][c] = number();
    }
  }
  std::vector<float> expected;
  for (unsigned warp = 0; warp < 2; ++warp) {
    for (unsigned r = 0; r < 16; ++r) {
      for (unsigned c = 0; c < 16; ++c) {
        float sum = in.sum[r][c];
        for (unsigned k = 0; k < 16; ++k) sum += to_float(in.a[r][k]) * to_float(in.b[k][c]);
        expected.push_back(sum);
      }
    }
  }
  std::vector<float> out(512);
  launch<product_kernel<false>>({1, 64}, &std::as_const(in), out.data());
  EXPECT_EQ(out, expected);
  std::ranges::fill(out, 0.0f);
  launch<product_kernel<true>>({1, 64}, &std::as_const(in), out.data());
  EXPECT_EQ(out, expected);
}

// Which element of which matrix each lane gets: its number says so.
template <bool kTransposed>
__global__ void load_kernel(std::uint32_t* out) {
  UNFOLD_SHARED_ARRAY(uint4, memory, 4 * 8);
  Bfloat16* const elements = reinterpret_cast<Bfloat16*>(memory);
  for (unsigned k = threadIdx.x; k < 4 * 64; k += 32) elements[k].bits = static_cast<std::uint16_t>(k);
  __syncthreads();
  std::uint32_t loaded[4];
  cuda::load_matrices<kTransposed>(elements + threadIdx.x * 8, loaded);
  for (unsigned m = 0; m < 4; ++m) out[4 * threadIdx.x + m] = loaded[m];
}

TEST(EmulatedWarpProducts, LoadsFragments) {
  std::vector<std::uint32_t> out(128), transposed(128);
  launch<load_kernel<false>>({1, 32}, out.data());
  launch<load_kernel<true>>({1, 32}, transposed.data());
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned m = 0; m < 4; ++m) {
      EXPECT_EQ(out[4 * lane + m], (64 * m + 8 * g + 2 * t) | (64 * m + 8 * g + 2 * t + 1) << 16);
      EXPECT_EQ(transposed[4 * lane + m], (64 * m + 16 * t + g) | (64 * m + 16 * t + 8 + g) << 16);
    }
  }
}

// Its neighbour's copy is there after the wait and the barrier; its own before the barrier too.
template <bool kWaits, bool kMeets>
__global__ void copy_kernel(const float4* in, float* own, float* neighbours) {
  UNFOLD_SHARED_ARRAY(float4, copied, 64);
  cuda::AsyncCopies copies;
  copies.start(copied + threadIdx.x, in + threadIdx.x, threadIdx.x % 8 != 0);
  if (kWaits) copies.wait();
  own[threadIdx.x] = copied[threadIdx.x].y;
  if (kMeets) __syncthreads();
  neighbours[threadIdx.x] = copied[(threadIdx.x + 33) % 64].w;
  copies.wait();
}

TEST(EmulatedWarpProducts, CopiesAreThereOnceWaitedFor) {
  std::vector<float4> in(64);
  std::vector<float> own_expected(64), neighbours_expected(64), own(64), neighbours(64);
  for (unsigned t = 0; t < 64; ++t) {
    const float x = static_cast<float>(t);
    in[t] = {x, x + 100, x + 200, x + 300};
    own_expected[t] = t % 8 == 0 ? 0 : x + 100;
  }
  for (unsigned t = 0; t < 64; ++t) {
    const unsigned other = (t + 33) % 64;
    neighbours_expected[t] = other % 8 == 0 ? 0 : in[other].w;
  }
  launch<copy_kernel<true, true>>({1, 64}, std::as_const(in).data(), own.data(), neighbours.data());
  EXPECT_EQ(own, own_expected);
  EXPECT_EQ(neighbours, neighbours_expected);
  launch<copy_kernel<false, true>>({1, 64}, std::as_const(in).data(), own.data(), neighbours.data());
  for (const float x : own) EXPECT_TRUE(std::isnan(x));
  const std::uint64_t wrong = count_wrong(neighbours_expected, [&] {
    launch<copy_kernel<true, false>>({1, 64}, std::as_const(in).data(), own.data(), neighbours.data());
    return neighbours;
  });
  EXPECT_GT(wrong, kOrders / 2);
}

__global__ void misaligned_load_kernel() {
  UNFOLD_SHARED_ARRAY(uint4, memory, 33);
  std::uint32_t out[4];
  cuda::load_matrices<false>(reinterpret_cast<Bfloat16*>(memory + threadIdx.x) + (threadIdx.x == 7 ? 2 : 0), out);
}
__global__ void misaligned_copy_kernel(const float* in) {
  UNFOLD_SHARED_ARRAY(float4, memory, 1);
  cuda::AsyncCopies copies;
  copies.start(memory, in + 1, true);
}
__global__ void part_of_warp_kernel(float* out) {
  float sum[4] = {};
  if (threadIdx.x < 16) cuda::multiply_add(sum, {0, 0, 0, 0}, 0, 0);
  out[threadIdx.x] = sum[0];
}
__global__ void other_instruction_kernel() {
  UNFOLD_SHARED_ARRAY(uint4, memory, 32);
  float sum[4] = {};
  std::uint32_t out[4];
  if (threadIdx.x < 16) {
    cuda::multiply_add(sum, {0, 0, 0, 0}, 0, 0);
  } else {
    cuda::load_matrices<false>(reinterpret_cast<Bfloat16*>(memory + threadIdx.x), out);
  }
}

TEST(EmulatedWarpProducts, RefusesWhatHasNoMeaning) {
  alignas(16) float in[8] = {};
  std::vector<float> out(32);
  expect_words(error_of<misaligned_load_kernel>({1, 32}), {"misaligned_load_kernel", "not aligned to 16 bytes"});
  expect_words(error_of<misaligned_copy_kernel>({1, 32}, &std::as_const(in[0])), {"cp.async", "not aligned"});
  expect_words(error_of<part_of_warp_kernel>({1, 32}, out.data()), {"part_of_warp_kernel", "0xffffffff", "returned"});
  expect_words(error_of<other_instruction_kernel>({1, 32}), {"do something else together"});
}

}  // namespace
}  // namespace unfold::test
