// Ratings that stay on the device come in the batches of a stream, and a run with them has the bits of one that
// streams.
#include "host/stream/resident_ratings.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/rating_stream.hpp"

namespace unfold::test {
namespace {

struct HostRows {
  std::vector<Row> users, items;
  std::vector<float> ratings, weights;
  bool operator==(const HostRows&) const = default;
};

// A batch, in host memory.
HostRows on_host(Backend& backend, const RatingBatch& batch) {
  HostRows rows;
  const auto copy = [&](auto& to, const auto* from) {
    to.resize(batch.size);
    backend.copy_to_host(to.data(), from, sizeof(*from) * batch.size);
  };
  copy(rows.users, batch.users);
  copy(rows.items, batch.items);
  copy(rows.ratings, batch.ratings);
  if (batch.weights != nullptr) copy(rows.weights, batch.weights);
  return rows;
}

std::vector<HostRows> batches_of(Backend& backend, RatingSource& source, std::uint64_t epoch) {
  std::vector<HostRows> batches;
  source.start_epoch(epoch);
  for (RatingBatch batch = source.next(); batch.size > 0; batch = source.next()) {
    batches.push_back(on_host(backend, batch));
  }
  EXPECT_EQ(batches.size(), source.n_batches());
  EXPECT_EQ(source.next().size, 0u) << "the end of an epoch stays the end";
  return batches;
}

// Every rating can be told from every other; its numbers belong together.
Columns told_apart(std::uint64_t n) {
  Columns columns;
  for (std::uint64_t k = 0; k < n; ++k) {
    columns.add(static_cast<Row>(k), static_cast<Row>(7 * k), static_cast<float>(k) + 0.25f);
  }
  return columns;
}

class ResidentRatingsParity : public BackendParity {};

TEST_P(ResidentRatingsParity, ComeInTheBatchesOfAStream) {
  using Shape = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;  // ratings, batch size, block size
  for (const auto& [n, batch_size, block_size] :
       {Shape{1, 10, 4}, {7, 1, 1}, {50, 50, 7}, {1000, 64, 16}, {1000, 999, 7}, {1003, 5000, 0}, {10007, 1000, 300}}) {
    const Columns columns = told_apart(n);
    std::vector<float> weights;
    for (const Row user : columns.users) weights.push_back(2 * static_cast<float>(user) + 1);
    for (const bool is_weighted : {false, true}) {
      for (const bool is_grouped : {false, true}) {
        RatingSourceOptions options{batch_size, 2, block_size};
        if (is_weighted) options.weights = weights;
        if (is_grouped) options.groups = {0, n / 3, n / 3, n / 2};
        RatingStream stream(backend(), columns.view(), options);
        ResidentRatings resident(Arena(backend()), columns.view(), options);
        for (const std::uint64_t epoch : {1u, 2u, 3u, 1u, 0u}) {
          EXPECT_EQ(batches_of(backend(), resident, epoch), batches_of(backend(), stream, epoch))
              << n << " ratings, batches of " << batch_size << ", epoch " << epoch;
        }
      }
    }
  }
}

TEST_P(ResidentRatingsParity, CanBeLeftHalfwayAndNeedNothingOfTheHostAfterwards) {
  std::vector<HostRows> expected;
  std::unique_ptr<ResidentRatings> resident;
  {
    Columns columns = told_apart(1000);
    const RatingSourceOptions options{70, 3, 8};
    RatingStream stream(backend(), columns.view(), options);
    expected = batches_of(backend(), stream, 2);
    resident = std::make_unique<ResidentRatings>(Arena(backend()), columns.view(), options);
    columns.users.assign(1000, 0);
  }
  resident->start_epoch(1);
  for (int k = 0; k < 5; ++k) EXPECT_EQ(resident->next().size, 70u);
  EXPECT_EQ(batches_of(backend(), *resident, 2), expected);
}

TEST_P(ResidentRatingsParity, EveryBatchHasTheSameAddresses) {
  const Columns columns = told_apart(300);
  ResidentRatings resident(Arena(backend()), columns.view(), {64, 2, 16});
  resident.start_epoch(1);
  const RatingBatch first = resident.next();
  for (RatingBatch batch = resident.next(); batch.size > 0; batch = resident.next()) {
    EXPECT_EQ(batch.users, first.users);
    EXPECT_EQ(batch.items, first.items);
    EXPECT_EQ(batch.ratings, first.ratings);
  }
}

UNFOLD_FOR_EVERY_BACKEND(ResidentRatingsParity);

}  // namespace
}  // namespace unfold::test
