#include "host/data/nearest_ids.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>

#include "host/text/edit_distance.hpp"

namespace unfold {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Optimal string alignment over the whole table.
std::size_t all_edits(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const bool same = std::tolower(a[i - 1]) == std::tolower(b[j - 1]);
      cost[i][j] = std::min({cost[i - 1][j - 1] + (same ? 0 : 1), cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      const auto equal = [&](std::size_t x, std::size_t y) { return std::tolower(a[x]) == std::tolower(b[y]); };
      if (i > 1 && j > 1 && equal(i - 1, j - 2) && equal(i - 2, j - 1)) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

TEST(EditDistanceTest, IsThatOfTheWholeTableUpToTheLimit) {
  std::mt19937 random(11);
  const auto word = [&] {
    std::string text(random() % 9, 'a');
    for (char& c : text) c = "abAc"[random() % 4];
    return text;
  };
  for (int n = 0; n < 300; ++n) {
    const std::string a = word();
    EditDistance edits(a);
    for (int m = 0; m < 30; ++m) {
      const std::string b = word();
      for (const std::size_t limit : {0, 1, 2, 3, 20}) {
        ASSERT_EQ(edits.to(b, limit), std::min(all_edits(a, b), limit + 1)) << a << " " << b << " " << limit;
      }
    }
  }
}

IdMap ids(std::initializer_list<const char*> names) {
  IdMap map;
  for (const char* name : names) map.find_or_add(name);
  return map;
}

TEST(NearestIdsTest, NearestFirstThenTheMoreFrequent) {
  const IdMap numbers = ids({"600", "61", "6100", "7", "1600", "610", "42"});
  EXPECT_THAT(nearest_ids("6101", numbers, 3), ElementsAre(2, 5)) << "6100 and 610";
  EXPECT_THAT(nearest_ids("160", numbers, 3), ElementsAre(4, 5)) << "1600 goes on; 610 swaps two digits";
  EXPECT_THAT(nearest_ids("160", numbers, 1), ElementsAre(4));
  EXPECT_THAT(nearest_ids("8", numbers, 3), IsEmpty()) << "nothing of 7 is left";
  EXPECT_THAT(nearest_ids("", numbers, 3), IsEmpty());
  EXPECT_THAT(nearest_ids("x", IdMap(), 3), IsEmpty());
}

TEST(NearestIdsTest, KnowsOtherSpellings) {
  const IdMap known = ids({"Alice", "7", "tt0114709", "tt0114710", "100"});
  EXPECT_THAT(nearest_ids("ALICE", known, 3), ElementsAre(0));
  EXPECT_THAT(nearest_ids("Alcie ", known, 3), ElementsAre(0));
  EXPECT_THAT(nearest_ids("007", known, 1), ElementsAre(1));
  EXPECT_THAT(nearest_ids(" 7.0\r", known, 1), ElementsAre(1));
  EXPECT_THAT(nearest_ids("tt0114", known, 3), ElementsAre(2, 3)) << "typed in part";
  EXPECT_THAT(nearest_ids("tt0114719", known, 3), ElementsAre(2, 3));
  EXPECT_THAT(nearest_ids("tt0999999", known, 3), IsEmpty());
}

TEST(NearestIdsTest, LooksThroughManyIds) {
  IdMap many;
  for (int n = 0; n < 300'000; ++n) many.find_or_add(fmt::format("{:08x}-{:08x}", n * 2654435761u, n));
  EXPECT_THAT(nearest_ids("00000000-0000000x", many, 3), ElementsAre(0));
  EXPECT_THAT(nearest_ids("zzzzzzzz-zzzzzzzz", many, 3), IsEmpty());
}

}  // namespace
}  // namespace unfold
