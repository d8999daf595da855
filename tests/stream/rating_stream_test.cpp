#include "unfold/rating_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "host/stream/epoch_order.hpp"
#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::Columns;

// Every rating can be told from every other, and its three fields belong together.
Columns numbered_ratings(std::uint64_t n) {
  Columns columns;
  for (std::uint64_t k = 0; k < n; ++k) {
    columns.add(static_cast<Row>(k), static_cast<Row>(3 * k), static_cast<float>(k) + 0.5f);
  }
  return columns;
}

// The users of an epoch in the order of the stream; checks that fields stay together.
std::vector<Row> stream_epoch(RatingStream& stream, std::uint64_t epoch, std::uint64_t batch_size) {
  std::vector<Row> order;
  stream.start_epoch(epoch);
  std::uint64_t n_batches = 0;
  for (RatingBatch batch = stream.next(); batch.size > 0; batch = stream.next()) {
    EXPECT_LE(batch.size, batch_size);
    for (std::uint64_t k = 0; k < batch.size; ++k) {
      EXPECT_EQ(batch.items[k], 3 * batch.users[k]);
      EXPECT_EQ(batch.ratings[k], static_cast<float>(batch.users[k]) + 0.5f);
      order.push_back(batch.users[k]);
    }
    ++n_batches;
  }
  EXPECT_EQ(n_batches, stream.n_batches());
  EXPECT_EQ(stream.next().size, 0u) << "the end of an epoch stays the end";
  return order;
}

using Shape = std::tuple<int, int, int>;  // ratings, batch size, block size

class RatingStreamShapes : public testing::TestWithParam<Shape> {};

TEST(RatingStream, TellsTheSizesOfItsBatches) {
  const auto backend = make_cpu_backend(1);
  for (const std::uint64_t n : {1, 6, 7, 8, 14, 20}) {
    const Columns columns = numbered_ratings(n);
    RatingStream stream(*backend, columns.view(), {7, 2, 0, 1, {}});
    stream.start_epoch(1);
    std::vector<std::uint64_t> sizes;
    for (RatingBatch batch = stream.next(); batch.size > 0; batch = stream.next()) {
      if (sizes.empty() || sizes.back() != batch.size) sizes.push_back(batch.size);
    }
    EXPECT_EQ(EpochOrder::batch_sizes(n, 7), sizes) << n;
  }
}

TEST_P(RatingStreamShapes, EveryRatingOnceAnEpochInAnotherOrder) {
  const auto [n, batch_size, block_size] = GetParam();
  const Columns columns = numbered_ratings(static_cast<std::uint64_t>(n));
  const auto backend = make_cpu_backend(1);
  RatingSourceOptions options;
  options.batch_size = static_cast<std::uint64_t>(batch_size);
  options.block_size = static_cast<std::uint64_t>(block_size);
  options.n_slots = 2;
  RatingStream stream(*backend, columns.view(), options);
  const std::vector<Row> first = stream_epoch(stream, 1, options.batch_size);
  const std::vector<Row> second = stream_epoch(stream, 2, options.batch_size);
  std::vector<Row> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, columns.users);
  sorted = second;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, columns.users);
  // Blocks stay whole, so another order takes several of them.
  const int smallest_block = block_size == 0 ? 16 : block_size;
  if (n >= 5 * smallest_block) {
    EXPECT_NE(first, second);
    EXPECT_NE(first, columns.users);
  }
  EXPECT_EQ(stream_epoch(stream, 1, options.batch_size), first) << "an epoch is a function of seed and number";
}

INSTANTIATE_TEST_SUITE_P(Shapes, RatingStreamShapes,
                         testing::Values(Shape{0, 10, 4}, Shape{1, 10, 4}, Shape{7, 1, 1}, Shape{50, 50, 50},
                                         Shape{50, 50, 7}, Shape{1000, 100, 0}, Shape{1000, 64, 16},
                                         Shape{1000, 999, 7}, Shape{1000, 5000, 64}, Shape{4096, 1024, 128},
                                         Shape{10007, 1000, 300}));

TEST(RatingStream, WeightsStayWithTheirRatings) {
  const Columns columns = numbered_ratings(1000);
  std::vector<float> weights;
  for (const Row user : columns.users) weights.push_back(2 * static_cast<float>(user));
  const auto backend = make_cpu_backend(1);
  RatingSourceOptions options;
  options.batch_size = 70;
  RatingStream without(*backend, columns.view(), options);
  options.weights = weights;
  RatingStream stream(*backend, columns.view(), options);
  EXPECT_EQ(stream_epoch(stream, 3, 70), stream_epoch(without, 3, 70));
  without.start_epoch(4);
  EXPECT_EQ(without.next().weights, nullptr);
  stream.start_epoch(4);
  std::uint64_t n = 0;
  for (RatingBatch batch = stream.next(); batch.size > 0; batch = stream.next()) {
    for (std::uint64_t k = 0; k < batch.size; ++k, ++n) {
      ASSERT_EQ(batch.weights[k], 2 * static_cast<float>(batch.users[k]));
    }
  }
  EXPECT_EQ(n, columns.users.size());
}

TEST(RatingStream, SeedsGiveDifferentOrders) {
  const Columns columns = numbered_ratings(500);
  const auto backend = make_cpu_backend(1);
  std::set<std::vector<Row>> orders;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    RatingStream stream(*backend, columns.view(), {100, 3, 8, seed});
    orders.insert(stream_epoch(stream, 1, 100));
  }
  EXPECT_EQ(orders.size(), 3u);
}

// Users are numbers of ratings. Groups that begin and end inside a batch and a block, an empty one, and a last batch
// and block that are short.
TEST(RatingStream, GroupsShareBatchesOnlyAtTheirBorders) {
  constexpr std::uint64_t kBatch = 24;
  const Columns columns = numbered_ratings(1003);
  RatingSourceOptions options;
  options.batch_size = kBatch;
  options.block_size = 16;  // batches hold whole blocks of 8
  options.groups = {0, 240, 250, 250, 777};
  const auto backend = make_cpu_backend(1);
  RatingStream stream(*backend, columns.view(), options);
  const auto group_of = [&](Row n) { return std::ranges::upper_bound(options.groups, n) - options.groups.begin(); };
  std::set<std::vector<Row>> orders;
  for (const std::uint64_t epoch : {1u, 2u, 3u}) {
    const std::vector<Row> order = stream_epoch(stream, epoch, kBatch);
    orders.insert(order);
    EXPECT_EQ(std::set<Row>(order.begin(), order.end()).size(), columns.users.size());
    int n_mixed = 0, n_changes = 0;
    for (std::size_t first = 0; first < order.size(); first += kBatch) {
      const std::size_t last = std::min(first + kBatch, order.size()) - 1;
      const auto same_group = [&](std::size_t k) { return group_of(order[k]) == group_of(order[first]); };
      for (std::size_t k = first; k <= last; ++k) n_mixed += k > first && same_group(k - 1) && !same_group(k);
      if (first > 0) n_changes += group_of(order[first - 1]) != group_of(order[first]);
    }
    EXPECT_LE(n_mixed, 5) << "three borders, of which two are near each other";
    EXPECT_GT(n_changes, 5) << "batches of groups take turns";
  }
  EXPECT_EQ(orders.size(), 3u);
}

TEST(RatingStream, AnEpochCanBeLeftHalfway) {
  const Columns columns = numbered_ratings(1000);
  const auto backend = make_cpu_backend(1);
  RatingStream stream(*backend, columns.view(), {10, 3, 4, 1});
  stream.start_epoch(1);
  for (int k = 0; k < 5; ++k) EXPECT_EQ(stream.next().size, 10u);
  EXPECT_EQ(stream_epoch(stream, 2, 10).size(), 1000u);
  stream.start_epoch(3);
  EXPECT_EQ(stream.next().size, 10u);  // and the stream ends with a batch taken
}

// Batches of one piece and of several, rings of any size. Memory is the host's on both backends.
TEST(RatingStream, SeveralReadersGiveTheBatchesOfOne) {
  for (const std::string name : test::kBackends) {
    if (name == "Cuda") continue;
    const auto backend = test::backend_or_skip(name);
    for (const std::uint64_t batch_size : {50u, 999u, 90000u}) {
      const Columns columns = numbered_ratings(batch_size < 1000 ? 20000 : 300001);
      RatingSourceOptions options;
      options.batch_size = batch_size;
      RatingStream alone(*backend, columns.view(), options);
      const std::vector<Row> first = stream_epoch(alone, 1, batch_size), second = stream_epoch(alone, 2, batch_size);
      options.n_readers = 4;
      for (const unsigned n_slots : {0u, 2u, 20u}) {
        options.n_slots = n_slots;
        RatingStream shared(*backend, columns.view(), options);
        EXPECT_EQ(stream_epoch(shared, 1, batch_size), first) << name << ' ' << batch_size << ' ' << n_slots;
        for (const std::uint64_t n_taken : {0u, 1u, 2u}) {  // and left there
          shared.start_epoch(3);
          for (std::uint64_t k = 0; k < n_taken; ++k) EXPECT_EQ(shared.next().size, batch_size);
        }
        EXPECT_EQ(stream_epoch(shared, 2, batch_size), second) << name << ' ' << batch_size << ' ' << n_slots;
      }
    }
  }
}

TEST(RatingStream, ShortBatchesHaveMoreSlotsOnADeviceWithMemoryOfItsOwn) {
  RatingSourceOptions options;
  const auto slots = [&](const Backend& backend, std::uint64_t batch_size) {
    options.batch_size = batch_size;
    return RatingStream::n_slots(backend, std::uint64_t{1} << 30, options);
  };
  const auto cpu = make_cpu_backend(1);
  EXPECT_EQ(slots(*cpu, 1024), 3u);
#if defined(UNFOLD_WITH_EMULATOR)
  const auto device = make_emulated_backend();
  EXPECT_EQ(slots(*device, 1024), 32u);
  EXPECT_EQ(slots(*device, 262144), 10u) << "of 3 MiB";
  const std::vector<float> weights(1);
  options.weights = weights;
  EXPECT_EQ(slots(*device, 262144), 8u) << "of 4 MiB";
  EXPECT_EQ(slots(*device, 1 << 24), 3u);
  options.n_slots = 5;
  EXPECT_EQ(slots(*device, 1024), 5u);
#endif
}

// A slot of a ring that fails once, when it has been waited for or uploaded so often.
class FailingSlot : public StreamSlot {
 public:
  struct Failure {
    std::atomic<int> waits = 0, uploads = 0;  // calls of the whole ring until one fails; 0: none does
  };
  FailingSlot(std::uint64_t bytes, Failure& failure) : memory_(bytes), failure_(failure) {}
  std::span<std::byte> host() override { return memory_; }
  void wait_until_free() override { count(failure_.waits); }
  void upload(std::uint64_t) override { count(failure_.uploads); }
  const std::byte* device() override { return memory_.data(); }
  void release() override {}

 private:
  static void count(std::atomic<int>& left) {
    if (left > 0 && --left == 0) throw DeviceError("the device went away");
  }
  std::vector<std::byte> memory_;
  Failure& failure_;
};

TEST(RatingStream, WhatStopsAReaderReachesTheConsumer) {
  const Columns columns = numbered_ratings(100);
  for (const unsigned n_readers : {1u, 3u}) {
    for (const bool waits : {false, true}) {
      FailingSlot::Failure failure;
      RatingSourceOptions options{10, 2, 4};
      options.n_readers = n_readers;
      RatingStream stream([&](std::uint64_t bytes) { return std::make_unique<FailingSlot>(bytes, failure); },
                          columns.view(), options);
      const std::vector<Row> whole = stream_epoch(stream, 2, 10);
      stream.start_epoch(1);
      (waits ? failure.waits : failure.uploads) = 2;
      EXPECT_THROW(while (stream.next().size > 0){}, DeviceError);
      EXPECT_EQ(stream_epoch(stream, 2, 10), whole) << "the next epoch starts again";
    }
  }
}

}  // namespace
}  // namespace unfold
