// The emulator finds what it is for: missing barriers, barriers and exchanges that cannot be, memory that was never
// written, and whatever depends on the order of threads.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/simt/kernel_test.hpp"

namespace unfold::test {
namespace {

constexpr unsigned kThreads = 128;

// out[t] = t of the mirrored thread, through shared memory.
template <bool kHasBarrier>
__global__ void mirror_kernel(unsigned* out) {
  UNFOLD_SHARED_ARRAY(unsigned, values, kThreads);
  values[threadIdx.x] = threadIdx.x;
  if constexpr (kHasBarrier) __syncthreads();
  out[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

TEST(Emulator, ShowsAMissingBarrier) {
  std::vector<unsigned> expected(kThreads);
  for (unsigned t = 0; t < kThreads; ++t) expected[t] = kThreads - 1 - t;
  const auto run = [](auto launch_it) {
    return [launch_it] {
      std::vector<unsigned> out(kThreads);
      launch_it(out.data());
      return out;
    };
  };
  EXPECT_EQ(count_wrong(expected, run([](unsigned* out) { launch<mirror_kernel<true>>({1, kThreads}, out); })), 0u);
  EXPECT_EQ(count_wrong(expected, run([](unsigned* out) {
                          launch<mirror_kernel<false>>({1, kThreads}, out);
                        })),
            kOrders);
}

// Lane 0 writes what its warp reads.
template <bool kHasBarrier>
__global__ void tell_warp_kernel(int* out) {
  UNFOLD_SHARED_ARRAY(int, value, 1);
  if (threadIdx.x == 0) value[0] = 7;
  if constexpr (kHasBarrier) __syncwarp();
  out[threadIdx.x] = value[0];
}

TEST(Emulator, ShowsAMissingBarrierInAWarp) {
  const std::vector<int> expected(32, 7);
  const auto with = [] {
    std::vector<int> out(32);
    launch<tell_warp_kernel<true>>({1, 32}, out.data());
    return out;
  };
  const auto without = [] {
    std::vector<int> out(32);
    launch<tell_warp_kernel<false>>({1, 32}, out.data());
    return out;
  };
  EXPECT_EQ(count_wrong(expected, with), 0u);
  EXPECT_GT(count_wrong(expected, without), 0u);
}

// Two sums with nothing between them: the second may not overwrite what the first still reads.
__global__ void two_sums_kernel(double* out) {
  const double first = cuda::block_sum(1.0 + threadIdx.x);
  const double second = cuda::block_sum(1000.0 * threadIdx.x);
  if (threadIdx.x == 0) {
    out[0] = first;
    out[1] = second;
  }
}

TEST(Emulator, RunsBlockSumTwice) {
  const std::vector<double> expected = {kThreads * (kThreads + 1) / 2.0, 1000.0 * kThreads * (kThreads - 1) / 2};
  const auto run = [] {
    std::vector<double> out(2);
    launch<two_sums_kernel>({1, kThreads}, out.data());
    return out;
  };
  EXPECT_EQ(count_wrong(expected, run), 0u);
}

__global__ void skip_barrier_kernel(unsigned thread) {
  if (threadIdx.x != thread) __syncthreads();
}

TEST(Emulator, RefusesABarrierThatAThreadNeverReaches) {
  simt::set_seed(77);
  expect_words(error_of<skip_barrier_kernel>({3, kThreads}, 37u),
               {"skip_barrier_kernel", "block ", "thread ", "seed 77", "127 of 128 threads wait at the barrier",
                "1 others have returned"});
}

__global__ void two_barriers_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void barrier_or_shuffle_kernel() {
  if (threadIdx.x == 5) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}

TEST(Emulator, RefusesBarriersInDifferentPlaces) {
  expect_words(error_of<two_barriers_kernel>({1, kThreads}), {"two_barriers_kernel", "emulator_test.cpp:"});
  expect_words(error_of<barrier_or_shuffle_kernel>({1, kThreads}), {"waits for lanes 0x00000020", "the barrier of"});
}

__global__ void exchange_kernel(unsigned mask, int source, unsigned returns_early) {
  if (threadIdx.x == returns_early) return;
  __shfl_sync(mask, 1, source);
}

TEST(Emulator, RefusesMasksThatDoNotFit) {
  constexpr unsigned kAll = cuda::kFullWarp, kNobody = 99;
  expect_words(error_of<exchange_kernel>({1, 32}, kAll & ~8u, 0, kNobody), {"does not name the calling lane 3"});
  expect_words(error_of<exchange_kernel>({1, 16}, kAll, 0, kNobody), {"names lane 16, which the block does not have"});
  expect_words(error_of<exchange_kernel>({1, 32}, 0x0000FFFFu, 20, kNobody), {"exchange_kernel"});
  expect_words(error_of<exchange_kernel>({1, 32}, kAll, 0, 9u), {"exchange_kernel", "returned"});
}

__global__ void read_outside_kernel() {
  if (threadIdx.x < 16) __shfl_sync(0x0000FFFFu, 1, 20);
}
__global__ void two_masks_kernel() { __syncwarp(threadIdx.x == 0 ? 0xFFFFFFFFu : 0xFFFFFFFEu); }
__global__ void two_kinds_kernel() {
  if (threadIdx.x == 0) {
    __ballot_sync(cuda::kFullWarp, 1);
  } else {
    __syncwarp();
  }
}

TEST(Emulator, RefusesExchangesThatDoNotMeet) {
  expect_words(error_of<read_outside_kernel>({1, 32}), {"reads lane 20, which the mask does not name"});
  expect_words(error_of<two_masks_kernel>({1, 32}), {"mask 0xffffffff waits for lanes"});
  expect_words(error_of<two_kinds_kernel>({1, 32}), {"exchange in another way"});
}

// Every thread says when it ran: its place among all steps.
__global__ void order_kernel(unsigned* clock, unsigned* out, bool has_barrier) {
  if (has_barrier) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(clock, 1u);
}

std::vector<unsigned> order_of(std::uint64_t seed, bool has_barrier) {
  simt::set_seed(seed);
  unsigned clock = 0;
  std::vector<unsigned> out(3 * kThreads);
  launch<order_kernel>({3, kThreads}, &clock, out.data(), has_barrier);
  EXPECT_EQ(clock, out.size());
  return out;
}

TEST(Emulator, DrawsTheOrderFromTheSeed) {
  EXPECT_EQ(order_of(5, false), order_of(5, false));
  EXPECT_NE(order_of(5, false), order_of(6, false));
  EXPECT_NE(order_of(5, false), order_of(5, true)) << "a barrier draws a new order";
  std::vector<unsigned> sorted = order_of(5, true);
  EXPECT_FALSE(std::is_sorted(sorted.begin(), sorted.end()));
  std::sort(sorted.begin(), sorted.end());
  for (unsigned k = 0; k < sorted.size(); ++k) ASSERT_EQ(sorted[k], k);
  unsigned clock = 0;
  std::vector<unsigned> first(kThreads), second(kThreads);
  launch<order_kernel>({1, kThreads}, &clock, first.data(), false);
  clock = 0;
  launch<order_kernel>({1, kThreads}, &clock, second.data(), false);
  EXPECT_NE(first, second) << "every launch has an order of its own";
}

struct Counted {
  explicit Counted(int* counter) : n_alive(counter) { ++*n_alive; }
  ~Counted() { --*n_alive; }
  int* n_alive;
};
__global__ void throwing_kernel(int* n_alive, unsigned thread) {
  const Counted counted(n_alive);
  __syncthreads();
  if (threadIdx.x == thread) throw std::out_of_range("from a kernel");
  __syncthreads();
}

TEST(Emulator, UnwindsEveryThreadOfABlockThatThrows) {
  int n_alive = 0;
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(launch<throwing_kernel>({2, kThreads}, &n_alive, 70u), std::out_of_range);
    EXPECT_EQ(n_alive, 0);
  }
  launch<throwing_kernel>({2, kThreads}, &n_alive, 1000u);
  EXPECT_EQ(n_alive, 0);
}

__global__ void empty_kernel() {}

TEST(Emulator, RefusesLaunchesThatNoDeviceTakes) {
  expect_words(error_of<empty_kernel>({0, 32}), {"empty_kernel", "0 blocks"});
  expect_words(error_of<empty_kernel>({1, 1056}), {"1056 threads"});
  expect_words(error_of<empty_kernel>({1, 32, 300 * 1024}), {"307200 bytes of shared memory"});
}

TEST(Emulator, CountsWhatItRan) {
  const simt::Report before = simt::report();
  launch<empty_kernel>({3, 64});
  const simt::Report after = simt::report();
  EXPECT_EQ(after.n_launches, before.n_launches + 1);
  EXPECT_EQ(after.n_threads, before.n_threads + 192);
  EXPECT_GE(after.launches.at("empty_kernel"), 1u);
}

}  // namespace
}  // namespace unfold::test
