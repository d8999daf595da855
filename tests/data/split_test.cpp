#include "unfold/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/columns.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kUsers = 50;
constexpr RandomPurpose kPurpose = RandomPurpose::kSplit;
using test::columns_of;
using Row4 = std::tuple<Row, Row, float, std::int64_t>;

// Distinct pairs; few distinct times, so that most are tied, some of them before 1970.
std::vector<Rating> random_ratings(std::uint64_t n_rows, std::uint64_t n_times = 20) {
  std::set<std::pair<Row, Row>> seen;
  std::vector<Rating> rows;
  for (std::uint64_t n = 0; rows.size() < n_rows; ++n) {
    const RandomBlock block = philox(11, n, 0);
    const Rating row = {block.v[0] % kUsers, block.v[1] % 1000, static_cast<float>(block.v[2] % 5),
                        static_cast<std::int64_t>(block.v[3] % n_times) - 7};
    if (seen.emplace(row.user, row.item).second) rows.push_back(row);
  }
  return rows;
}

std::multiset<Row4> rows_of(const RatingView& view) {
  std::multiset<Row4> rows;
  for (std::uint64_t n = 0; n < view.size(); ++n) {
    rows.emplace(view[n].user, view[n].item, view[n].rating, view[n].time);
  }
  return rows;
}

SplitResult split(const std::vector<Rating>& rows, const std::string& spec, std::uint64_t seed = 1) {
  return split_ratings(columns_of(rows).view(), kUsers, SplitSpec::parse(spec), seed, kPurpose);
}

std::string usage_error(const std::vector<Rating>& rows, const std::string& spec, bool with_times = true) {
  try {
    split_ratings(columns_of(rows, with_times).view(), kUsers, SplitSpec::parse(spec), 1, kPurpose);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

class EverySplit : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Forms, EverySplit,
                         testing::Values("random:0.1", "random:0.7", "leave-last:1", "leave-last:30", "time:0.1",
                                         "time:0.93"));

TEST_P(EverySplit, PartsAreDisjointAndComplete) {
  const std::vector<Rating> rows = random_ratings(2000);
  const SplitResult result = split(rows, GetParam());
  std::multiset<Row4> parts = rows_of(result.kept.view());
  parts.merge(rows_of(result.held_out.view()));
  EXPECT_EQ(parts, rows_of(columns_of(rows).view()));
  EXPECT_TRUE(result.kept.view().has_times());
}

TEST_P(EverySplit, DependsOnSeedAndPurposeAndNotOnTheOrderOfRows) {
  std::vector<Rating> rows = random_ratings(2000);
  const auto held_out = rows_of(split(rows, GetParam()).held_out.view());
  EXPECT_NE(held_out, rows_of(split(rows, GetParam(), 2).held_out.view()));
  const SplitResult validation =
      split_ratings(columns_of(rows).view(), kUsers, SplitSpec::parse(GetParam()), 1, RandomPurpose::kValidationSplit);
  EXPECT_NE(held_out, rows_of(validation.held_out.view()));
  std::reverse(rows.begin(), rows.end());
  EXPECT_EQ(held_out, rows_of(split(rows, GetParam()).held_out.view()));
}

TEST_P(EverySplit, KeepsFileOrderInEachPart) {
  const std::vector<Rating> rows = random_ratings(2000);
  const SplitResult result = split(rows, GetParam());
  std::uint64_t kept = 0, held = 0;
  for (const Rating& row : rows) {
    const auto is_at = [&](const RatingView& view, std::uint64_t n) {
      return n < view.size() && view[n].user == row.user && view[n].item == row.item;
    };
    if (is_at(result.kept.view(), kept)) {
      ++kept;
    } else {
      ASSERT_TRUE(is_at(result.held_out.view(), held));
      ++held;
    }
  }
}

TEST(SplitRandom, ShareIsWithinFiveStandardDeviations) {
  const std::vector<Rating> rows = random_ratings(20000);
  const double held = static_cast<double>(split(rows, "random:0.2").held_out.size());
  EXPECT_NEAR(held, 20000 * 0.2, 5 * std::sqrt(20000 * 0.2 * 0.8));
}

TEST(SplitRandom, WorksWithoutTimes) {
  const Ratings columns = columns_of(random_ratings(500), false);
  const SplitResult result = split_ratings(columns.view(), kUsers, SplitSpec::parse("random:0.5"), 1, kPurpose);
  EXPECT_FALSE(result.kept.view().has_times());
  EXPECT_EQ(result.kept.size() + result.held_out.size(), 500u);
}

TEST(SplitLeaveLast, TakesTheLatestOfEachUser) {
  for (const std::uint64_t count : {1, 3, 40}) {
    const std::vector<Rating> rows = random_ratings(2000);
    const SplitResult result = split(rows, "leave-last:" + std::to_string(count));
    std::map<Row, std::uint64_t> n_all, n_held;
    std::map<Row, std::int64_t> latest_kept, earliest_held;
    for (const Rating& row : rows) ++n_all[row.user];
    const RatingView kept = result.kept.view(), held = result.held_out.view();
    for (std::uint64_t n = 0; n < held.size(); ++n) {
      ++n_held[held[n].user];
      const auto at = earliest_held.emplace(held[n].user, held[n].time).first;
      at->second = std::min(at->second, held[n].time);
    }
    for (std::uint64_t n = 0; n < kept.size(); ++n) {
      const auto at = latest_kept.emplace(kept[n].user, kept[n].time).first;
      at->second = std::max(at->second, kept[n].time);
    }
    for (const auto& [user, n] : n_all) {
      EXPECT_EQ(n_held[user], n > count ? count : 0) << "user " << user << " with " << n;
      if (n > count) {
        EXPECT_GE(earliest_held[user], latest_kept[user]);
      }
    }
  }
}

TEST(SplitLeaveLast, RepeatedPairsAreCountedOneByOne) {
  const std::vector<Rating> rows = {{0, 1, 1, 5}, {0, 1, 2, 5}, {0, 1, 3, 5}};
  EXPECT_EQ(split(rows, "leave-last:1").held_out.size(), 1u);
  EXPECT_EQ(split(rows, "time:0.67").held_out.size(), 2u);
}

TEST(SplitLeaveLast, RowOutOfRangeIsADataError) {
  EXPECT_THROW(split({{kUsers, 0, 1, 0}, {0, 0, 1, 0}}, "leave-last:1"), DataError);
}

TEST(SplitTime, ShareIsExactAndTheLatest) {
  for (const std::uint64_t n_times : {1, 3, 20, 1000000}) {
    const std::vector<Rating> rows = random_ratings(1000, n_times);
    for (const char* spec : {"time:0.001", "time:0.1", "time:0.5", "time:0.999"}) {
      const SplitResult result = split(rows, spec);
      EXPECT_EQ(result.held_out.size(), static_cast<std::uint64_t>(1000 * SplitSpec::parse(spec).fraction));
      const auto earliest = std::ranges::min(result.held_out.view().times);
      EXPECT_GE(earliest, std::ranges::max(result.kept.view().times));
    }
  }
  EXPECT_EQ(split(random_ratings(100), "time:0.29").held_out.size(), 29u);
}

TEST(SplitTime, ExtremeTimesAreOrdered) {
  const std::int64_t low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  const SplitResult result = split({{0, 0, 1, high}, {0, 1, 1, low}, {0, 2, 1, -1}, {0, 3, 1, 0}}, "time:0.5");
  EXPECT_EQ(rows_of(result.held_out.view()), (std::multiset<Row4>{{0, 0, 1.0f, high}, {0, 3, 1.0f, 0}}));
}

TEST(Split, NoneKeepsAll) {
  const SplitResult result = split(random_ratings(10), "none");
  EXPECT_EQ(result.kept.size(), 10u);
  EXPECT_EQ(result.held_out.size(), 0u);
}

TEST(Split, EmptyPartsAndMissingTimesAreUsageErrors) {
  const std::vector<Rating> rows = random_ratings(5);
  EXPECT_NE(usage_error(rows, "time:0.1").find("time:0.1 holds out none of 5 ratings"), std::string::npos);
  EXPECT_NE(usage_error(rows, "leave-last:9").find("holds out none"), std::string::npos);
  EXPECT_NE(usage_error(rows, "random:0.9999999").find("holds out all of 5"), std::string::npos);
  EXPECT_NE(usage_error({}, "random:0.5").find("none of 0"), std::string::npos);
  EXPECT_NE(usage_error(rows, "leave-last:1", false).find("needs the time"), std::string::npos);
  EXPECT_NE(usage_error(rows, "time:0.5", false).find("needs the time"), std::string::npos);
}

TEST(SplitSpec, RoundTrips) {
  for (const char* text : {"none", "random:0.1", "leave-last:2", "time:0.05"}) {
    EXPECT_EQ(SplitSpec::parse(text).to_string(), text);
    EXPECT_TRUE(SplitSpec::looks_like(text));
  }
}

TEST(SplitSpec, NamesTheFormsForAnythingElse) {
  for (const char* text : {"", "random", "random:", "random:0", "random:1", "random:-0.1", "random:nan", "random:0.1x",
                           "random: 0.1", "leave-last:0", "leave-last:-1", "leave-last:1.5", "time:2", "time:inf",
                           "test.csv", "None", "leave-last:99999999999999999999"}) {
    try {
      SplitSpec::parse(text);
      ADD_FAILURE() << text << " was understood";
    } catch (const UsageError& error) {
      for (const char* form : {"random:F", "leave-last:N", "time:F", text}) {
        EXPECT_NE(std::string(error.what()).find(form), std::string::npos) << error.what();
      }
    }
  }
  EXPECT_TRUE(SplitSpec::looks_like("random"));
  EXPECT_FALSE(SplitSpec::looks_like("test.csv"));
  EXPECT_FALSE(SplitSpec::looks_like("random.csv"));
}

}  // namespace
}  // namespace unfold
