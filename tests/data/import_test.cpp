#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/dataset.hpp"

namespace unfold {
namespace {

using test::data_error;
using test::Interactions;
using test::interactions;
using test::read_file;
using test::TempDirectory;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;

// Every file of a data set but dataset.json, by name.
std::map<std::string, std::string> columns_of(const Dataset& dataset) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dataset.directory())) {
    const std::string name = entry.path().filename().string();
    if (name != "dataset.json") files[name] = read_file(entry.path());
  }
  return files;
}

std::vector<std::string> ids(const IdMap& map) {
  std::vector<std::string> result;
  for (Row row = 0; row < map.size(); ++row) result.emplace_back(map.id(row));
  return result;
}

class ImportTest : public testing::Test {
 protected:
  Dataset import(const std::string& text, const ImportOptions& options = {}) {
    write_file(folder_ / "ratings", text);
    return import_dataset(folder_ / "ratings", next_out(), options);
  }
  std::filesystem::path next_out() { return folder_ / ("out" + std::to_string(n_out_++)); }

  TempDirectory folder_;
  int n_out_ = 0;
};

// User, item, rating, time; with pairs that repeat.
std::vector<std::array<int, 4>> random_rows(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::array<int, 4>> rows;
  for (int i = 0; i < n; ++i) {
    rows.push_back({static_cast<int>(random() % 300), static_cast<int>(random() % 500),
                    static_cast<int>(random() % 5) + 1, 1'000'000'000 + static_cast<int>(random() % 1000)});
  }
  return rows;
}

std::string as_table(const std::vector<std::array<int, 4>>& rows, const std::string& separator, std::size_t n_columns,
                     const std::string& header, const std::string& end) {
  std::string text = header.empty() ? "" : header + end;
  for (const auto& row : rows) {
    for (std::size_t n = 0; n < n_columns; ++n) text += (n > 0 ? separator : "") + std::to_string(row[n]);
    text += end;
  }
  return text;
}

TEST_F(ImportTest, EveryFormatAndCompressionGivesTheSameDataSet) {
  const auto rows = random_rows(5000, 1);
  const Dataset expected = import(as_table(rows, ",", 4, "user,item,rating,timestamp", "\n"));
  const auto files = columns_of(expected);
  const std::map<std::string, std::string> texts = {
      {"csv", as_table(rows, ",", 4, "", "\n")},
      {"csv crlf", as_table(rows, ",", 4, "userId,movieId,rating,timestamp", "\r\n")},
      {"csv mark", "\xef\xbb\xbf" + as_table(rows, ",", 4, "user_id,item_id,Rating,Time", "\n")},
      {"tsv", as_table(rows, "\t", 4, "", "\n")},
      {"dat", as_table(rows, "::", 4, "", "\n")},
      {"pipe", as_table(rows, "|", 4, "", "\n")},
      {"semicolon", as_table(rows, ";", 4, "user;item;rating;time", "\n")},
      {"space", as_table(rows, " ", 4, "", "\n")}};
  for (const auto& [name, text] : texts) {
    for (const std::string& bytes : {text, test::gzip(text), test::zstd(text)}) {
      const Dataset dataset = import(bytes);
      EXPECT_EQ(dataset.report().format, name.substr(0, name.find(' ')));
      EXPECT_TRUE(columns_of(dataset) == files) << name;
    }
  }
  EXPECT_EQ(expected.report().n_parsed, 5000u);
  EXPECT_EQ(expected.report().n_lines, 5001u);
  EXPECT_GT(expected.report().n_duplicates, 0u);
  EXPECT_EQ(expected.report().n_ratings + expected.report().n_duplicates, 5000u);
}

TEST_F(ImportTest, KeepsWhatAPlainMapKeeps) {
  const auto rows = random_rows(20000, 2);
  Interactions expected;
  for (const auto& [user, item, rating, time] : rows) {
    auto& kept = expected.try_emplace({std::to_string(user), std::to_string(item)}, 0.0f, 0).first->second;
    if (time >= kept.second) kept = {static_cast<float>(rating), time};
  }
  EXPECT_TRUE(interactions(import(as_table(rows, ",", 4, "", "\n"))) == expected);
}

TEST_F(ImportTest, ResultDoesNotDependOnTheMemoryBound) {
  const std::string text = as_table(random_rows(60000, 3), ",", 4, "", "\n");
  const auto expected = columns_of(import(text));
  for (const std::uint64_t memory_bytes : {std::uint64_t{10'000}, std::uint64_t{50'000}, std::uint64_t{1'000'000}}) {
    ImportOptions options;
    options.memory_bytes = memory_bytes;
    EXPECT_TRUE(columns_of(import(text, options)) == expected) << memory_bytes;
    options.min_user_ratings = 140;
    options.min_item_ratings = 78;
    ImportOptions roomy = options;
    roomy.memory_bytes = std::uint64_t{1} << 30;
    const Dataset filtered = import(text, options);
    EXPECT_GT(filtered.report().n_below_minimum, 300u) << "several passes";
    EXPECT_TRUE(columns_of(filtered) == columns_of(import(text, roomy))) << memory_bytes;
  }
}

TEST_F(ImportTest, ImplicitPairsAndLists) {
  ImportOptions options;
  options.format = "adjacency";
  const Dataset lists = import("a x y z\nb x\nc\nd y x q r s\n", options);
  const Dataset pairs = import("a x\na y\na z\nb x\nd y\nd x\nd q\nd r\nd s\n");
  EXPECT_EQ(lists.report().format, "adjacency");
  EXPECT_FALSE(lists.report().has_ratings);
  EXPECT_FALSE(lists.ratings().has_times());
  EXPECT_EQ(interactions(lists), interactions(pairs));
  EXPECT_EQ(lists.n_users(), 3u) << "a user without items is none";
  EXPECT_EQ(interactions(lists).at({"d", "r"}).first, 1.0f);
  EXPECT_EQ(lists.report().rating_mean, 1.0);
}

TEST_F(ImportTest, RowsFollowFrequencyThenFirstAppearance) {
  const Dataset dataset = import("u1,i9\nu2,i9\nu2,i8\nu3,i7\nu3,i8\nu3,i9\n");
  EXPECT_THAT(ids(dataset.read_user_ids()), ElementsAre("u3", "u2", "u1"));
  EXPECT_THAT(ids(dataset.read_item_ids()), ElementsAre("i9", "i8", "i7"));
  const Dataset ties = import("b,y\na,x\n");
  EXPECT_THAT(ids(ties.read_user_ids()), ElementsAre("b", "a"));
  EXPECT_THAT(ids(ties.read_item_ids()), ElementsAre("y", "x"));
}

TEST_F(ImportTest, TheLastDuplicateByTimeStays) {
  const Dataset timed = import("user,item,rating,time\nu,i,1,300\nu,i,2,500\nu,i,3,400\nu,j,4,7\nu,j,5,7\n");
  EXPECT_EQ(interactions(timed), (Interactions{{{"u", "i"}, {2.0f, 500}}, {{"u", "j"}, {5.0f, 7}}}));
  EXPECT_EQ(timed.report().n_duplicates, 3u);
  const Dataset untimed = import("u,i,1\nu,j,9\nu,i,2\n");
  EXPECT_EQ(interactions(untimed), (Interactions{{{"u", "i"}, {2.0f, 0}}, {{"u", "j"}, {9.0f, 0}}}));
  EXPECT_EQ(untimed.report().n_duplicates, 1u);
}

TEST_F(ImportTest, MinimumsHoldForWhatIsLeft) {
  ImportOptions options;
  options.min_user_ratings = 2;
  options.min_item_ratings = 2;
  // c leaves with item z, then d, whose other item was z.
  const Dataset dataset = import("a,x\na,y\nb,x\nb,y\nc,z\nd,z\nd,x\nc,w\n", options);
  EXPECT_EQ(interactions(dataset).size(), 4u);
  EXPECT_THAT(ids(dataset.read_user_ids()), ElementsAre("a", "b"));
  EXPECT_EQ(dataset.report().n_below_minimum, 4u);

  options.min_user_ratings = 45;
  options.min_item_ratings = 28;
  const Dataset larger = import(as_table(random_rows(20000, 4), " ", 2, "", "\n"), options);
  std::vector<int> of_user(larger.n_users()), of_item(larger.n_items());
  for (const Row user : larger.ratings().users) ++of_user[user];
  for (const Row item : larger.ratings().items) ++of_item[item];
  EXPECT_GE(*std::min_element(of_user.begin(), of_user.end()), 45);
  EXPECT_GE(*std::min_element(of_item.begin(), of_item.end()), 28);
  EXPECT_TRUE(std::is_sorted(of_user.rbegin(), of_user.rend()));
  EXPECT_TRUE(std::is_sorted(of_item.rbegin(), of_item.rend()));
  EXPECT_GT(larger.report().n_below_minimum, 0u);
}

TEST_F(ImportTest, OrderIsShuffledAndFixed) {
  std::string text;
  for (int n = 0; n < 20000; ++n) text += fmt::format("u{},i{}\n", n / 20, n % 20);
  const Dataset dataset = import(text);
  const RatingView ratings = dataset.ratings();
  // Neighbours share a user with probability 19/19999; the count is then about 19, with a deviation below 5.
  int same_user = 0;
  double first_half = 0;
  for (std::uint64_t n = 1; n < ratings.size(); ++n) {
    same_user += ratings.users[n] == ratings.users[n - 1] ? 1 : 0;
    if (2 * n < ratings.size()) first_half += ratings.users[n] < dataset.n_users() / 2 ? 1 : 0;
  }
  EXPECT_LT(same_user, 19 + 8 * 5);
  EXPECT_NEAR(first_half, 5000, 8 * 50);  // hypergeometric: the deviation is 35
  EXPECT_TRUE(columns_of(import(text)) == columns_of(dataset));
}

TEST_F(ImportTest, IdsAreKeptAsBytes) {
  const std::string odd = " a , b \n\xff\xfe,\x80\xc3\n\"q\"\"q\",\"x,y\"\n\xc3\xa9t\xc3\xa9,\r\r\n";
  const Dataset dataset = import(odd);
  const Interactions found = interactions(dataset);
  EXPECT_EQ(found.size(), 4u);
  EXPECT_EQ(found.count({"\xff\xfe", "\x80\xc3"}), 1u);
  EXPECT_EQ(found.count({" a ", " b "}), 1u);
  EXPECT_EQ(found.count({"q\"q", "x,y"}), 1u);
  EXPECT_EQ(found.count({"\xc3\xa9t\xc3\xa9", "\r"}), 1u);
}

TEST_F(ImportTest, TimesAreSecondsHoweverWritten) {
  const Dataset dataset = import("user,item,date\na,x,2000-02-29 12:34:56\na,y,951827696\na,z,951827696.9\n");
  for (const std::int64_t time : dataset.ratings().times) EXPECT_EQ(time, 951827696);
  EXPECT_TRUE(dataset.report().has_times);
}

TEST_F(ImportTest, ReportsProgressUpToTheEnd) {
  const std::string text = as_table(random_rows(50000, 5), ",", 4, "", "\n");
  write_file(folder_ / "ratings", text);
  std::vector<std::uint64_t> done;
  import_dataset(folder_ / "ratings", next_out(), {}, [&](std::uint64_t bytes, std::uint64_t total) {
    EXPECT_EQ(total, text.size());
    done.push_back(bytes);
  });
  ASSERT_FALSE(done.empty());
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), text.size());
}

TEST_F(ImportTest, RefusesATargetThatExists) {
  write_file(folder_ / "ratings", "1,2\n");
  write_file(folder_ / "there", "precious");
  EXPECT_THROW(import_dataset(folder_ / "ratings", folder_ / "there", {}), UsageError);
  EXPECT_EQ(read_file(folder_ / "there"), "precious");
  EXPECT_EQ(test::count_entries(folder_.path()), 2u);
}

class RealDataTest : public ImportTest {
 protected:
  ImportReport report_of(const std::filesystem::path& file, const ImportOptions& options = {}) {
    return import_dataset(file, next_out(), options).report();
  }
};

void expect_shape(const ImportReport& report, std::uint32_t n_users, std::uint32_t n_items, std::uint64_t n_ratings) {
  EXPECT_EQ(report.n_users, n_users);
  EXPECT_EQ(report.n_items, n_items);
  EXPECT_EQ(report.n_ratings, n_ratings);
}

TEST_F(RealDataTest, MovieLensLatestSmall) {
  UNFOLD_REQUIRE_REAL_DATA(file, "ml-latest-small/ratings.csv");
  const ImportReport report = report_of(file);
  expect_shape(report, 610, 9724, 100836);
  EXPECT_EQ(report.columns, "user=userId,item=movieId,rating=rating,time=timestamp");
  EXPECT_EQ(report.rating_min, 0.5);
  EXPECT_EQ(report.rating_max, 5.0);
  EXPECT_NEAR(report.rating_mean, 3.50156, 1e-5);
}

TEST_F(RealDataTest, MovieLens100kFold) {
  UNFOLD_REQUIRE_REAL_DATA(file, "ml-100k/u1.base");
  const ImportReport report = report_of(file);
  expect_shape(report, 943, 1650, 80000);
  EXPECT_EQ(report.columns, "user=1,item=2,rating=3,time=4");
  EXPECT_TRUE(report.has_times);
}

TEST_F(RealDataTest, GowallaLists) {
  UNFOLD_REQUIRE_REAL_DATA(file, "gowalla/train.txt");
  const ImportReport report = report_of(file);
  expect_shape(report, 29858, 40981, 810128);
  EXPECT_EQ(report.format, "adjacency");
}

TEST_F(RealDataTest, NeuralCollaborativeFilteringPairs) {
  UNFOLD_REQUIRE_REAL_DATA(file, "ncf-ml-1m/ml-1m.train.pairs");
  const ImportReport report = report_of(file);
  expect_shape(report, 6040, 3704, 994169);
  EXPECT_FALSE(report.has_ratings);
}

TEST_F(RealDataTest, FrappeAndDePaulMovie) {
  UNFOLD_REQUIRE_REAL_DATA(frappe, "frappe/frappe.tsv");
  UNFOLD_REQUIRE_REAL_DATA(depaul, "depaul-movie/ratings.csv");
  const ImportReport apps = report_of(frappe);
  EXPECT_EQ(apps.n_parsed, 96203u);
  expect_shape(apps, 957, 4082, apps.n_parsed - apps.n_duplicates);
  EXPECT_THAT(data_error([&] { report_of(depaul); }), HasSubstr("column 'Time': \"Weekday\" is not a time"));
  ImportOptions options;
  options.columns = {{"user", "userid"}, {"item", "itemid"}, {"rating", "rating"}};
  const ImportReport movies = report_of(depaul, options);
  EXPECT_EQ(movies.n_parsed, 5043u);
  expect_shape(movies, 97, 79, movies.n_parsed - movies.n_duplicates);
  EXPECT_FALSE(movies.has_times);
  EXPECT_EQ(movies.columns, "user=userid,item=itemid,rating=rating");
}

}  // namespace
}  // namespace unfold
