#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "tests/support/columns.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

using test::columns_of;

TEST(SeenItems, AgreesWithSetsOnRandomRows) {
  constexpr std::uint32_t kUsers = 40, kItems = 30;
  std::vector<Rating> rows;
  std::vector<std::set<Row>> lists(kUsers);
  std::map<Row, std::vector<double>> ratings;
  for (std::uint64_t n = 0; n < 1000; ++n) {  // of 1,200 pairs: many are repeated
    const RandomBlock block = philox(21, n, 0);
    const Rating row = {block.v[0] % (kUsers - 1), block.v[1] % (kItems - 1), static_cast<float>(block.v[2] % 10)};
    rows.push_back(row);
    lists[row.user].insert(row.item);
    ratings[row.item].push_back(static_cast<double>(row.rating));
  }
  const Ratings columns = columns_of(rows, false);
  const SeenItems seen = SeenItems::from_ratings(columns.view(), kUsers, kItems);
  ASSERT_EQ(seen.offsets.size(), kUsers + 1u);
  EXPECT_EQ(seen.offsets.back(), seen.items.size());
  for (std::uint32_t user = 0; user < kUsers; ++user) {
    const auto begin = seen.items.begin() + static_cast<std::ptrdiff_t>(seen.offsets[user]);
    const auto end = seen.items.begin() + static_cast<std::ptrdiff_t>(seen.offsets[user + 1]);
    EXPECT_EQ(std::vector<Row>(begin, end), std::vector<Row>(lists[user].begin(), lists[user].end())) << user;
  }
  double total = 0;
  for (const auto& [item, values] : ratings) {
    double sum = 0;
    for (const double value : values) sum += value;
    EXPECT_FLOAT_EQ(seen.item_mean_rating[item], static_cast<float>(sum / static_cast<double>(values.size())));
    total += sum;
  }
  EXPECT_FLOAT_EQ(seen.mean_rating, static_cast<float>(total / 1000));
  // The last user and the last item have no rating.
  EXPECT_EQ(seen.offsets[kUsers - 1], seen.offsets[kUsers]);
  EXPECT_EQ(seen.item_mean_rating[kItems - 1], seen.mean_rating);
}

// A pair counts once: for training, else for test, else for validation; unknown rows for nothing.
TEST(SeenItems, ListsOfThePartsShareNoPair) {
  const Ratings train = columns_of({{0, 1}, {0, 2}, {2, 0}}, false);
  const Ratings validation = columns_of({{0, 2}, {0, 3}, {0, 0}, {0, 3}, {1, 4}, {1, kNoRow}, {kNoRow, 0}}, false);
  const Ratings test = columns_of({{0, 1}, {0, 0}, {2, 4}, {2, 1}}, false);
  SeenItems seen = SeenItems::from_ratings(train.view(), 3, 5);
  EXPECT_FALSE(seen.knows_held_out());
  seen.hold_out(validation.view(), test.view());
  EXPECT_TRUE(seen.knows_held_out());
  EXPECT_EQ(seen.items, (std::vector<Row>{1, 2, 0}));
  EXPECT_EQ(seen.validation.offsets, (std::vector<std::uint64_t>{0, 1, 2, 2}));
  EXPECT_EQ(seen.validation.items, (std::vector<Row>{3, 4}));
  EXPECT_EQ(seen.test.offsets, (std::vector<std::uint64_t>{0, 1, 1, 3}));
  EXPECT_EQ(seen.test.items, (std::vector<Row>{0, 1, 4}));
  seen.hold_out({}, {});
  EXPECT_TRUE(seen.knows_held_out());
  EXPECT_TRUE(seen.validation.items.empty());
}

TEST(SeenItems, NoRatings) {
  const SeenItems seen = SeenItems::from_ratings({}, 2, 3);
  EXPECT_EQ(seen.offsets, (std::vector<std::uint64_t>{0, 0, 0}));
  EXPECT_TRUE(seen.items.empty());
  EXPECT_EQ(seen.item_mean_rating, (std::vector<float>{1, 1, 1}));
}

TEST(SeenItems, RowOutOfRangeIsADataError) {
  const Ratings user = columns_of({{2, 0, 1}}, false), item = columns_of({{0, kNoRow, 1}}, false);
  EXPECT_THROW(SeenItems::from_ratings(user.view(), 2, 3), DataError);
  EXPECT_THROW(SeenItems::from_ratings(item.view(), 2, 3), DataError);
}

}  // namespace
}  // namespace unfold
