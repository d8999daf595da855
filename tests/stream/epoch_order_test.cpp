#include "host/stream/epoch_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace unfold {
namespace {

std::vector<std::uint32_t> ascending(std::uint64_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

TEST(EpochOrder, IsAPermutationWithTheShortBlockLast) {
  for (const std::uint64_t n : {0u, 1u, 15u, 16u, 17u, 1000u, 1008u}) {
    const EpochOrder order(n, {100, 3, 16});
    for (const std::uint64_t epoch : {1u, 2u}) {
      std::vector<std::uint32_t> blocks = order.blocks(epoch);
      ASSERT_EQ(blocks.size(), order.n_blocks());
      EXPECT_TRUE(n % 16 == 0 || blocks.back() == n / 16);
      std::ranges::sort(blocks);
      EXPECT_EQ(blocks, ascending(order.n_blocks()));
    }
    EXPECT_EQ(order.blocks(0), ascending(order.n_blocks())) << "epoch 0 is the data's own order";
  }
}

// An order that changes would change what every seed trains.
TEST(EpochOrder, StaysTheSameFromVersionToVersion) {
  RatingSourceOptions options{4, 3, 2, 5};
  EXPECT_EQ(EpochOrder(19, options).blocks(1), (std::vector<std::uint32_t>{5, 7, 4, 1, 0, 6, 8, 2, 3, 9}));
  options.groups = {0, 6, 11};
  EXPECT_EQ(EpochOrder(19, options).blocks(2), (std::vector<std::uint32_t>{0, 4, 5, 3, 8, 6, 1, 2, 7, 9}));
}

TEST(EpochOrder, BlocksSuitTheDataUnlessTheyAreGiven) {
  EXPECT_EQ(EpochOrder(1000, {}).block_size(), 16u);
  EXPECT_EQ(EpochOrder(20'000'000, {}).block_size(), 305u);
  EXPECT_EQ(EpochOrder(std::uint64_t{1} << 33, {}).block_size(), 4096u);
  RatingSourceOptions options{24, 3, 16};
  EXPECT_EQ(EpochOrder(1000, options).block_size(), 16u);
  options.groups = {0};
  EXPECT_EQ(EpochOrder(1000, options).block_size(), 8u) << "batches hold whole blocks";
}

}  // namespace
}  // namespace unfold
