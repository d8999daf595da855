#include "unfold/synthetic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::TempDirectory;

struct Line {
  std::uint32_t user = 0, item = 0;
  double rating = 0;
};

struct Written {
  SyntheticReport report;
  std::string text;
  std::vector<Line> lines;
};

Written write(const SyntheticOptions& options) {
  const TempDirectory directory;
  Written written;
  written.report = write_synthetic(directory / "data.csv", options);
  written.text = test::read_file(directory / "data.csv");
  std::istringstream in(written.text);
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, options.implicit ? "user,item" : "user,item,rating");
  while (std::getline(in, text)) {
    Line line;
    const int n_read = std::sscanf(text.c_str(), "%u,%u,%lf", &line.user, &line.item, &line.rating);
    EXPECT_EQ(n_read, options.implicit ? 2 : 3) << text;
    EXPECT_LT(line.user, options.n_users);
    EXPECT_LT(line.item, options.n_items);
    written.lines.push_back(line);
  }
  return written;
}

std::string usage_error(const SyntheticOptions& options) {
  const TempDirectory directory;
  try {
    write_synthetic(directory / "data.csv", options);
  } catch (const UsageError& error) {
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
    return error.what();
  }
  return "";
}

void expect_distinct_pairs(const Written& written, const SyntheticOptions& options) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::set<std::uint32_t> users, items;
  for (const Line& line : written.lines) {
    EXPECT_TRUE(pairs.emplace(line.user, line.item).second) << line.user << "," << line.item;
    EXPECT_EQ(line.user % options.groups, line.item % options.groups);
    users.insert(line.user);
    items.insert(line.item);
  }
  EXPECT_EQ(pairs.size(), options.n_ratings);
  EXPECT_EQ(written.report.n_ratings, options.n_ratings);
  EXPECT_EQ(written.report.n_users_seen, users.size());
  EXPECT_EQ(written.report.n_items_seen, items.size());
}

TEST(Synthetic, PairsAreDistinct) {
  const SyntheticOptions options;
  expect_distinct_pairs(write(options), options);
}

TEST(Synthetic, GroupsNeverMeet) {
  SyntheticOptions options;
  options.groups = 7;
  expect_distinct_pairs(write(options), options);
  const TempDirectory directory;
  options.n_users = 10;
  options.n_items = 8;
  options.n_ratings = 9;
  write_synthetic(directory / "set.csv", options);
  EXPECT_EQ(test::read_file(directory / "set.users.csv"),
            "id,group\n0,0\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,0\n8,1\n9,2\n");
  EXPECT_EQ(test::read_file(directory / "set.items.csv"), "id,group\n0,0\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,0\n");
}

TEST(Synthetic, WritesTheItemsGroupsWhereAsked) {
  const TempDirectory directory;
  SyntheticOptions options;
  options.n_users = 4;
  options.n_items = 5;
  options.n_ratings = 6;
  options.groups = 2;
  options.items_out = directory / "items.tsv";
  write_synthetic(directory / "set.csv", options);
  EXPECT_EQ(test::read_file(directory / "items.tsv"), "item\tgroup\n0\t0\n1\t1\n2\t0\n3\t1\n4\t0\n");
  EXPECT_FALSE(std::filesystem::exists(directory / "set.items.csv"));
  EXPECT_TRUE(std::filesystem::exists(directory / "set.users.csv"));

  EXPECT_THROW(write_synthetic(directory / "one.csv", options), UsageError) << "items.tsv is there";
  EXPECT_FALSE(std::filesystem::exists(directory / "one.csv"));
  options.groups = 1;
  options.overwrite = true;
  write_synthetic(directory / "one.csv", options);
  EXPECT_EQ(test::read_file(directory / "items.tsv"), "item\tgroup\n0\t0\n1\t0\n2\t0\n3\t0\n4\t0\n");

  options.items_out = directory / "same.csv";
  EXPECT_THROW(write_synthetic(directory / "same.csv", options), UsageError);
  options.items_out = directory / "none/items.tsv";
  EXPECT_THROW(write_synthetic(directory / "new.csv", options), DataError);
  EXPECT_FALSE(std::filesystem::exists(directory / "new.csv"));
}

// A group's taste has the planted rank, and groups do not share one: users of two groups with the same number within
// theirs have different factors. Without noise, biases and rounding, every 3 x 3 block of a group's matrix of ratings
// has determinant 0, and a group's second user is not what another group's is.
TEST(Synthetic, EachGroupHasATasteOfItsOwn) {
  SyntheticOptions options;
  options.groups = 4;
  options.n_users = options.n_items = 4 * 3;
  options.n_ratings = 4 * 9;
  options.dim = 2;
  options.noise = options.bias_std = options.mean = 0;
  options.signal_std = 1;
  std::vector<std::vector<double>> blocks(4, std::vector<double>(9));
  for (const Line& line : write(options).lines) blocks[line.user % 4][line.user / 4 * 3 + line.item / 4] = line.rating;
  for (std::size_t g = 0; g < 4; ++g) {
    const std::vector<double>& m = blocks[g];
    const double terms[] = {m[0] * m[4] * m[8],  m[1] * m[5] * m[6],  m[2] * m[3] * m[7],
                            -m[2] * m[4] * m[6], -m[1] * m[3] * m[8], -m[0] * m[5] * m[7]};
    double determinant = 0, size = 0;
    for (const double term : terms) {
      determinant += term;
      size += std::abs(term);
    }
    EXPECT_NEAR(determinant, 0, 1e-5 * size) << "group " << g;
    EXPECT_NE(blocks[g], blocks[(g + 1) % 4]);
  }
}

// Every pair there is, or nearly so, under a skew that never draws most of them.
TEST(Synthetic, DenseRequestsEnd) {
  for (const std::uint32_t groups : {1u, 3u}) {
    for (const double skew : {0.0, 3.0, 1000.0}) {
      SyntheticOptions options;
      options.n_users = 60;
      options.n_items = 90;
      options.groups = groups;
      options.skew = options.user_skew = skew;
      for (const std::uint64_t missing : {0, 1, 100}) {
        options.n_ratings = 60 * 90 / groups - missing;
        expect_distinct_pairs(write(options), options);
      }
    }
  }
}

TEST(Synthetic, TooManyRatingsIsAUsageError) {
  SyntheticOptions options;
  options.n_users = 10;
  options.n_items = 7;
  options.n_ratings = 71;
  EXPECT_NE(usage_error(options).find("71 ratings are more than the 70 pairs"), std::string::npos);
  // 5 * 4 + 5 * 3 pairs inside the groups.
  options.groups = 2;
  options.n_ratings = 36;
  EXPECT_NE(usage_error(options).find("more than the 35 pairs"), std::string::npos);
}

TEST(Synthetic, BadOptionsAreUsageErrors) {
  const auto error_with = [](auto change) {
    SyntheticOptions options;
    change(options);
    return usage_error(options);
  };
  EXPECT_NE(error_with([](auto& o) { o.n_users = 0; }).find("users is 0"), std::string::npos);
  EXPECT_NE(error_with([](auto& o) { o.dim = 0; }).find("dim is 0"), std::string::npos);
  EXPECT_NE(error_with([](auto& o) { o.noise = -1; }).find("noise is -1"), std::string::npos);
  EXPECT_NE(error_with([](auto& o) { o.skew = std::nan(""); }).find("skew is nan"), std::string::npos);
  EXPECT_NE(error_with([](auto& o) { o.groups = 1001; }).find("groups is 1001"), std::string::npos);
  EXPECT_NE(error_with([](auto& o) { o.rating_max = -1; }).find("rating-max is -1"), std::string::npos);
}

TEST(Synthetic, MissingFolderIsADataError) {
  const TempDirectory directory;
  EXPECT_THROW(write_synthetic(directory / "none/data.csv", {}), DataError);
}

TEST(Synthetic, SameOptionsSameBytes) {
  SyntheticOptions options;
  options.n_ratings = 20000;
  const std::string first = write(options).text;
  EXPECT_EQ(write(options).text, first);
  options.seed = 2;
  EXPECT_NE(write(options).text, first);
}

// Without noise what is written is the planted model itself; with it, the error is the noise's.
TEST(Synthetic, BestErrorIsTheNoise) {
  SyntheticOptions options;
  options.noise = 0;
  const Written exact = write(options);
  EXPECT_LT(exact.report.best_rmse, 1e-6);
  options.noise = 0.5;
  const Written noisy = write(options);
  // The standard error of a standard deviation is sigma / sqrt(2 n).
  const double n = static_cast<double>(options.n_ratings);
  EXPECT_NEAR(noisy.report.best_rmse, 0.5, 5 * 0.5 / std::sqrt(2 * n));
  EXPECT_NEAR(noisy.report.best_mae, 0.5 * std::sqrt(2 / 3.14159265358979), 5 * 0.5 / std::sqrt(n));
  // The report's number is that of the file.
  double squared = 0;
  for (std::size_t i = 0; i < exact.lines.size(); ++i) {
    ASSERT_EQ(exact.lines[i].user, noisy.lines[i].user);
    squared += std::pow(exact.lines[i].rating - noisy.lines[i].rating, 2);
  }
  EXPECT_NEAR(std::sqrt(squared / n), noisy.report.best_rmse, 1e-5);
}

TEST(Synthetic, PlantedPartsHaveTheirVariance) {
  SyntheticOptions options;
  options.noise = 0;
  options.skew = options.user_skew = 0;
  options.dim = 32;
  double sum = 0, squares = 0;
  const Written written = write(options);
  for (const Line& line : written.lines) {
    sum += line.rating - options.mean;
    squares += std::pow(line.rating - options.mean, 2);
  }
  const double n = static_cast<double>(written.lines.size());
  const double expected = std::pow(options.signal_std, 2) + 2 * std::pow(options.bias_std, 2);
  // Ratings share users and items: 1,000 item biases and norms set the accuracy, 1 / sqrt(1000) each.
  EXPECT_NEAR(squares / n, expected, 0.15 * expected);
  EXPECT_NEAR(sum / n, 0, 5 * std::sqrt(expected / 1000));
}

TEST(Synthetic, RatingsKeepToRangeAndStep) {
  SyntheticOptions options;
  options.rating_min = 0.5;
  options.rating_max = 5;
  options.rating_step = 0.1;
  const Written written = write(options);
  std::set<double> values;
  for (const Line& line : written.lines) {
    values.insert(line.rating);
    EXPECT_GE(line.rating, 0.5);
    EXPECT_LE(line.rating, 5);
    EXPECT_NEAR(line.rating * 10, std::round(line.rating * 10), 1e-9);
  }
  EXPECT_EQ(values.size(), 46u);
  // Rounding adds step^2 / 12, clipping takes away.
  EXPECT_GT(written.report.best_rmse, 0.4);
  EXPECT_LT(written.report.best_rmse, 0.51);
  EXPECT_EQ(written.text.find("00000"), std::string::npos);
  EXPECT_EQ(written.text.find('-'), std::string::npos);
}

TEST(Synthetic, ImplicitHasNoRatings) {
  SyntheticOptions options;
  options.implicit = true;
  const Written written = write(options);
  expect_distinct_pairs(written, options);
  EXPECT_EQ(written.report.best_rmse, 0);
}

TEST(Synthetic, SkewOrdersCounts) {
  SyntheticOptions options;
  options.n_items = 1000;
  options.skew = 1;
  options.user_skew = 0.7;
  std::vector<double> items(options.n_items), users(options.n_users);
  for (const Line& line : write(options).lines) {
    items[line.item] += 1;
    users[line.user] += 1;
  }
  const auto sum = [](const std::vector<double>& counts, std::size_t first, std::size_t last) {
    double total = 0;
    for (std::size_t i = first; i < last; ++i) total += counts[i];
    return total;
  };
  for (const std::vector<double>* counts : {&items, &users}) {
    double before = sum(*counts, 0, 10) / 10;
    for (std::size_t first = 10; first < 640; first *= 2) {
      const double mean = sum(*counts, first, 2 * first) / static_cast<double>(first);
      EXPECT_LT(mean, before) << first;
      before = mean;
    }
  }
  // The most active users are far from taking all items, so counts follow the power law: 2^-0.7 from one octave to
  // the next.
  EXPECT_NEAR(sum(users, 400, 800) / sum(users, 800, 1600), std::pow(2, 0.7) / 2, 0.03);

  options.skew = options.user_skew = 0;
  std::vector<double> flat(options.n_items);
  for (const Line& line : write(options).lines) flat[line.item] += 1;
  EXPECT_NEAR(sum(flat, 0, 500), 50000, 5 * std::sqrt(25000));
}

TEST(Synthetic, RowOrderIsRandom) {
  const SyntheticOptions options;
  const Written written = write(options);
  // The mean user of the first half is that of the whole.
  double first = 0, all = 0;
  for (std::size_t i = 0; i < written.lines.size(); ++i) {
    all += written.lines[i].user;
    if (i < written.lines.size() / 2) first += written.lines[i].user;
  }
  const double n = static_cast<double>(written.lines.size());
  EXPECT_NEAR(2 * first / n, all / n, 5 * 600 / std::sqrt(n / 2));
}

}  // namespace
}  // namespace unfold
