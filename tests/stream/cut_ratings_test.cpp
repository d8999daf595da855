// Ratings that are cut once for the threads of a step: what batches hold, in which order, and where.
#include "host/stream/cut_ratings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/support/columns.hpp"
#include "unfold/backend.hpp"
#include "unfold/random.hpp"
#include "unfold/rating_stream.hpp"

namespace unfold::test {
namespace {

struct CutShape {
  std::uint64_t n, n_users, n_items, batch_size;
  std::uint32_t n_parts;
  std::uint64_t row_bytes;  // many: few rows to a group, so many stages
};

// A rating tells its number. Half of them are of one item, so parts are far from equal.
Columns skewed_ratings(const CutShape& shape) {
  Columns columns;
  for (std::uint64_t k = 0; k < shape.n; ++k) {
    const RandomBlock random = philox(31, k, 0);
    columns.add(static_cast<Row>(random.v[0] % shape.n_users),
                static_cast<Row>(random.v[1] % 2 == 0 ? shape.n_items - 1 : random.v[2] % shape.n_items),
                static_cast<float>(k));
  }
  return columns;
}

RatingSourceOptions cut_options(const CutShape& shape, std::uint64_t seed = 1) {
  RatingSourceOptions options;
  options.batch_size = shape.batch_size;
  options.seed = seed;
  options.cut = {shape.n_users, shape.n_items, shape.row_bytes, shape.n_parts};
  return options;
}

// The numbers of a batch's ratings in its order. Checks that places count up, that fields stay together, and that the
// parts of a round share no rows.
void append_batch(const RatingBatch& batch, const Columns& columns, std::vector<std::uint64_t>& order) {
  ASSERT_NE(batch.runs, nullptr);
  const RatingRuns& cut = *batch.runs;
  std::uint64_t place = 0, run = 0;
  for (std::uint64_t round = 0; round < cut.n_rounds; ++round) {
    std::set<Row> users, items;  // of parts before
    for (std::uint32_t part = 0; part < cut.n_parts; ++part) {
      std::set<Row> own_users, own_items;
      for (; run < cut.ends[round * cut.n_parts + part]; ++run) {
        ASSERT_EQ(cut.runs[run].place, place);
        for (std::uint64_t k = cut.runs[run].first; k < cut.runs[run].first + cut.runs[run].size; ++k, ++place) {
          const auto number = static_cast<std::uint64_t>(batch.ratings[k]);
          ASSERT_EQ(batch.users[k], columns.users[number]);
          ASSERT_EQ(batch.items[k], columns.items[number]);
          own_users.insert(batch.users[k]);
          own_items.insert(batch.items[k]);
          order.push_back(number);
        }
      }
      for (const Row user : own_users) ASSERT_TRUE(users.insert(user).second) << "user " << user;
      for (const Row item : own_items) ASSERT_TRUE(items.insert(item).second) << "item " << item;
    }
  }
  ASSERT_EQ(place, batch.size);
}

std::vector<std::uint64_t> cut_epoch(CutRatings& source, std::uint64_t epoch, const Columns& columns,
                                     std::uint64_t batch_size) {
  std::vector<std::uint64_t> order;
  source.start_epoch(epoch);
  std::uint64_t n_batches = 0;
  for (RatingBatch batch = source.next(); batch.size > 0; batch = source.next(), ++n_batches) {
    EXPECT_EQ(batch.size, std::min<std::uint64_t>(batch_size, columns.users.size() - n_batches * batch_size));
    append_batch(batch, columns, order);
  }
  EXPECT_EQ(n_batches, source.n_batches());
  EXPECT_EQ(source.next().size, 0u) << "the end of an epoch stays the end";
  return order;
}

class CutRatingsShapes : public testing::TestWithParam<CutShape> {};

TEST_P(CutRatingsShapes, GiveEveryRatingOnceAnEpochInPartsThatDoNotMeet) {
  const CutShape shape = GetParam();
  const Columns columns = skewed_ratings(shape);
  const auto backend = make_cpu_backend(shape.n_parts);
  CutRatings in_memory(Arena(*backend), columns.view(), cut_options(shape), true);
  CutRatings in_file(Arena(*backend), columns.view(), cut_options(shape), false);
  EXPECT_EQ(backend->allocated_bytes(), CutRatings::bytes(shape.n, cut_options(shape).cut));
  std::vector<std::uint64_t> all(shape.n);
  for (std::uint64_t k = 0; k < shape.n; ++k) all[k] = k;
  const std::vector<std::uint64_t> first = cut_epoch(in_memory, 1, columns, shape.batch_size);
  const std::vector<std::uint64_t> second = cut_epoch(in_memory, 2, columns, shape.batch_size);
  for (std::vector<std::uint64_t> sorted : {first, second}) {
    std::ranges::sort(sorted);
    EXPECT_EQ(sorted, all);
  }
  if (shape.n > 1000) {
    EXPECT_NE(first, second);
  }
  EXPECT_EQ(cut_epoch(in_memory, 1, columns, shape.batch_size), first) << "a function of seed and number";
  in_file.start_epoch(2);
  in_file.next();  // left halfway
  EXPECT_EQ(cut_epoch(in_file, 1, columns, shape.batch_size), first);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CutRatingsShapes,
    testing::Values(CutShape{1, 1, 1, 10, 1, 64}, CutShape{1, 1, 1, 1, 4, 64}, CutShape{1000, 50, 40, 1, 3, 512},
                    CutShape{5000, 300, 200, 700, 1, 512}, CutShape{5000, 300, 200, 5000, 2, 512},
                    CutShape{5000, 3000, 200, 999, 1, 1 << 20}, CutShape{5000, 3000, 2000, 4096, 2, 1 << 20},
                    CutShape{20000, 3000, 2000, 4096, 5, 1 << 15}, CutShape{20000, 3000, 2000, 7, 9, 1 << 20}),
    [](const auto& instance) {
      const CutShape& s = instance.param;
      return "Of" + std::to_string(s.n) + "For" + std::to_string(s.n_parts) + "By" + std::to_string(s.batch_size);
    });

TEST(CutRatings, OfOneListAreReadWhereTheyAreInTheOrderOfAStream) {
  const CutShape shape{3001, 60, 50, 256, 1, 64};
  const Columns columns = skewed_ratings(shape);
  const auto backend = make_cpu_backend(1);
  CutRatings cut(Arena(*backend), columns.view(), cut_options(shape, 5), true);
  EXPECT_EQ(backend->allocated_bytes(), 0u);
  RatingStream stream(*backend, columns.view(), cut_options(shape, 5));
  for (const std::uint64_t epoch : {1u, 2u}) {
    std::vector<std::uint64_t> expected;
    stream.start_epoch(epoch);
    for (RatingBatch batch = stream.next(); batch.size > 0; batch = stream.next()) {
      for (std::uint64_t k = 0; k < batch.size; ++k) expected.push_back(static_cast<std::uint64_t>(batch.ratings[k]));
    }
    EXPECT_EQ(cut_epoch(cut, epoch, columns, shape.batch_size), expected);
  }
  cut.start_epoch(1);
  EXPECT_EQ(cut.next().users, columns.users.data());
}

TEST(CutRatings, OfOneRoundAreDividedEvenly) {
  const CutShape shape{20000, 3000, 2000, 2500, 4, 64};
  Columns columns;
  for (std::uint64_t k = 0; k < shape.n; ++k) {
    const RandomBlock random = philox(32, k, 0);
    columns.add(static_cast<Row>(random.v[0] % shape.n_users), static_cast<Row>(random.v[1] % shape.n_items), 1);
  }
  const auto backend = make_cpu_backend(4);
  CutRatings cut(Arena(*backend), columns.view(), cut_options(shape), true);
  cut.start_epoch(1);
  double longest = 0;  // what the slowest part of each round has to do
  for (RatingBatch batch = cut.next(); batch.size > 0; batch = cut.next()) {
    std::uint64_t run = 0;
    for (std::uint64_t round = 0; round < batch.runs->n_rounds; ++round) {
      std::uint64_t most = 0;
      for (std::uint32_t part = 0; part < 4; ++part) {
        std::uint64_t size = 0;
        for (; run < batch.runs->ends[round * 4 + part]; ++run) size += batch.runs->runs[run].size;
        most = std::max(most, size);
      }
      longest += static_cast<double>(most);
    }
  }
  EXPECT_LT(longest, 1.2 * static_cast<double>(shape.n) / 4);
}

}  // namespace
}  // namespace unfold::test
