// Every kind of bad input: what is said about it, and that nothing is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/dataset.hpp"

namespace unfold {
namespace {

using std::string_literals::operator""s;
using test::count_entries;
using test::data_error;
using test::interactions;
using test::read_file;
using test::TempDirectory;
using test::write_file;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRemedy = "; fix the line or pass --on-error skip";

class BadInputTest : public testing::Test {
 protected:
  // What an import of `text` says, without the folder's name.
  std::string error_of(const std::string& text, const ImportOptions& options = {}) {
    write_file(file_, text);
    return import_error(file_, options);
  }
  std::string import_error(const std::filesystem::path& source, const ImportOptions& options = {}) {
    const std::size_t before = count_entries(folder_.path());
    std::string error = data_error([&] { import_dataset(source, folder_ / "out", options); });
    EXPECT_EQ(count_entries(folder_.path()), before) << "something is left behind";
    const std::string prefix = folder_.path().string() + "/";
    for (std::size_t at = error.find(prefix); at != std::string::npos; at = error.find(prefix)) {
      error.erase(at, prefix.size());
    }
    return error;
  }
  ImportOptions skipping() const {
    ImportOptions options;
    options.on_error = OnError::kSkip;
    options.rejected_file = folder_ / "rejected";
    return options;
  }

  TempDirectory folder_;
  std::filesystem::path file_ = folder_ / "ratings.csv";
  const std::string good_ = "userId,movieId,rating\n1,10,4\n2,20,5\n";
};

TEST_F(BadInputTest, FilesThatCannotBeRead) {
  EXPECT_THAT(import_error(folder_ / "none.csv"), StartsWith("none.csv: no such file"));
  EXPECT_THAT(error_of(""), StartsWith("ratings.csv: the file is empty"));
  EXPECT_THAT(error_of("\n\n"), StartsWith("ratings.csv: only blank lines"));
  std::filesystem::create_directory(folder_ / "dir");
  EXPECT_THAT(import_error(folder_ / "dir"), StartsWith("dir: is a directory"));
  EXPECT_THAT(error_of("userId,movieId,rating\n"),
              StartsWith("ratings.csv: no ratings: nothing follows the line with the columns' names"));
}

TEST_F(BadInputTest, NoFileAtAll) {
  const std::vector<std::filesystem::path> none;
  EXPECT_THROW(import_dataset(none, folder_ / "out", {}), UsageError);
  EXPECT_THROW(open_or_import(none, folder_ / "cache", {}), UsageError);
  EXPECT_EQ(count_entries(folder_.path()), 0u);
}

TEST_F(BadInputTest, NoPermission) {
  write_file(file_, good_);
  ASSERT_EQ(chmod(file_.c_str(), 0), 0);
  if (access(file_.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read any file";
  EXPECT_THAT(import_error(file_), StartsWith("ratings.csv: no permission to read it"));
}

TEST_F(BadInputTest, LinesNameFileLineColumnValueAndRemedy) {
  EXPECT_EQ(error_of(good_ + "3,30\n4,40,1\n"), "ratings.csv:4: 2 columns where 3 are expected"s + kRemedy);
  EXPECT_EQ(error_of(good_ + "\n3,30,1,7\n"), "ratings.csv:5: 4 columns where 3 are expected"s + kRemedy);
  EXPECT_EQ(error_of(good_ + "3,30,abc\n"), "ratings.csv:4: column 'rating': \"abc\" is not a number"s + kRemedy);
  EXPECT_EQ(error_of(good_ + "3,30,nan\n"),
            "ratings.csv:4: column 'rating': \"nan\" is not a finite number"s + kRemedy);
  EXPECT_EQ(error_of(good_ + "3,30,-inf\n"),
            "ratings.csv:4: column 'rating': \"-inf\" is not a finite number"s + kRemedy);
  EXPECT_EQ(error_of(good_ + ",30,4\n"), "ratings.csv:4: column 'userId': the user id is empty"s + kRemedy);
  EXPECT_EQ(error_of(good_ + "3,,4\n"), "ratings.csv:4: column 'movieId': the item id is empty"s + kRemedy);
  EXPECT_EQ(error_of("1,2,3\n1,3,4\n1,4,x\n"), "ratings.csv:3: column 3 (rating): \"x\" is not a number"s + kRemedy);
  EXPECT_THAT(error_of(good_ + "3,\"30\n31,4\n"),
              HasSubstr("ratings.csv:4: column 2: \"\\\"30\" begins with a quote that does not end"));
  EXPECT_THAT(error_of(good_ + "3,3\0,4\n"s), StartsWith("ratings.csv:4: byte 4 of the line is NUL"));
  EXPECT_THAT(error_of(good_ + "3,30," + std::string(10'000'000, 'x') + "\n"),
              StartsWith("ratings.csv:4: the line is longer than 1048576 bytes"));
  EXPECT_THAT(error_of(good_ + "3,30," + std::string(1000, 'x') + "\n"),
              EndsWith('"' + std::string(60, 'x') + "...\" is not a number"s + kRemedy));
}

TEST_F(BadInputTest, MissingColumnsListThoseThereAre) {
  ImportOptions options;
  options.columns = {{"rating", "stars"}};
  EXPECT_EQ(error_of(good_, options),
            "ratings.csv: there is no column \"stars\" (asked for by --columns rating=stars); the columns are "
            "\"userId\", \"movieId\", \"rating\"");
}

TEST_F(BadInputTest, CompressedDataThatEndsEarlyOrIsCorrupt) {
  std::string text = good_;
  for (int n = 0; n < 100'000; ++n) text += std::to_string(n * 7) + "," + std::to_string(n % 977) + ",3\n";
  for (const std::string& whole : {test::gzip(text), test::zstd(text)}) {
    const std::string half = whole.substr(0, whole.size() / 2);
    EXPECT_THAT(error_of(half),
                HasSubstr("data ends early: " + std::to_string(half.size()) + " compressed bytes gave"));
    EXPECT_THAT(error_of(half, skipping()), HasSubstr("ends early")) << "not a matter of single lines";
  }
  EXPECT_THAT(error_of(test::gzip("")), HasSubstr("empty after decompression"));
}

TEST_F(BadInputTest, AcceptedOddities) {
  for (const std::string& text :
       {"userId,movieId\r\n1,10\r\n"s, "\xef\xbb\xbfuserId,movieId\n1,10"s, "\n\n1,10\n\n"s}) {
    write_file(file_, text);
    const Dataset dataset = import_dataset(file_, folder_ / "out", {});
    EXPECT_EQ(interactions(dataset).count({"1", "10"}), 1u) << text;
    EXPECT_EQ(dataset.report().n_ratings, 1u) << "one user and one item are a data set";
    std::filesystem::remove_all(folder_ / "out");
  }
}

TEST_F(BadInputTest, OneUserOnlyAndOneItemOnly) {
  write_file(file_, "u,1\nu,2\nu,3\n");
  EXPECT_EQ(import_dataset(file_, folder_ / "one_user", {}).n_users(), 1u);
  write_file(file_, "1,i\n2,i\n3,i\n");
  EXPECT_EQ(import_dataset(file_, folder_ / "one_item", {}).n_items(), 1u);
}

TEST_F(BadInputTest, MinimumsThatLeaveNothing) {
  ImportOptions options;
  options.min_user_ratings = 50;
  EXPECT_EQ(error_of(good_, options),
            "ratings.csv: no ratings left of 2 after --min-user-ratings 50; pass lower minimums");
}

TEST_F(BadInputTest, MoreIdsThanRows) {
  ImportOptions options;
  options.max_ids = 2;
  EXPECT_EQ(error_of(good_ + "1,20,3\n3,20,4\n", options),
            "ratings.csv:5: column 'userId': \"3\" is one id too many: 2 users are the most there can be; split the "
            "file");
  EXPECT_THAT(error_of(good_ + "1,30,3\n", options), HasSubstr("ratings.csv:4: column 'movieId': \"30\" is one id"));
}

TEST_F(BadInputTest, SkipWritesTheRejectedLinesAsTheyWere) {
  const std::string giant = "7,70," + std::string(3'000'000, 'x') + "\r\n";
  const std::vector<std::string> bad = {"3,30\n", "3,30,abc\r\n", "\0\n"s, ",1,1\n", giant, "3,\"x,4\n", "9,90,bad"};
  std::string text = "userId,movieId,rating\n", rejected;
  int n_good = 0;
  for (const std::string& line : bad) {
    text += std::to_string(n_good++) + ",10,4\n" + line;
    rejected += line;
  }
  write_file(file_, text);
  const Dataset dataset = import_dataset(file_, folder_ / "out", skipping());
  EXPECT_EQ(dataset.report().n_rejected, bad.size());
  EXPECT_EQ(dataset.report().n_parsed, bad.size());
  EXPECT_EQ(dataset.report().n_lines, 1 + 2 * bad.size());
  EXPECT_EQ(dataset.report().rejected_file, (folder_ / "rejected").string());
  EXPECT_TRUE(read_file(folder_ / "rejected") == rejected + "\n");
}

TEST_F(BadInputTest, SkipWritesNoFileWhereAllIsWell) {
  write_file(file_, good_);
  const Dataset dataset = import_dataset(file_, folder_ / "out", skipping());
  EXPECT_EQ(dataset.report().rejected_file, "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "rejected"));
}

TEST_F(BadInputTest, SkipOfEverythingIsAnError) {
  EXPECT_EQ(
      error_of("userId,movieId,rating\n1,,4\n,3,5\n", skipping()),
      "ratings.csv: no ratings: all 2 lines with content were rejected; the first: ratings.csv:2: column 'movieId': "
      "the item id is empty");
}

TEST_F(BadInputTest, RejectedFileThatCannotBeWritten) {
  write_file(file_, good_ + "bad\n");
  ImportOptions options = skipping();
  options.rejected_file = folder_ / "none" / "rejected";
  EXPECT_THAT(import_error(file_, options), HasSubstr("none"));
}

TEST_F(BadInputTest, TargetFolderThatIsMissing) {
  write_file(file_, good_);
  EXPECT_THAT(data_error([&] { import_dataset(file_, folder_ / "none" / "out", {}); }), HasSubstr("none"));
}

// Any bytes either import or are told apart by a DataError.
class DamagedInputTest : public BadInputTest {
 protected:
  // One of a few small files with bytes changed, cut off or repeated.
  std::string damaged(std::mt19937& random) const {
    const std::string lists = "1 10 20 30\n2 10\n3 20 30 40 50 60\n4 1 2\n";
    const std::string quotes = "\"User-ID\";\"ISBN\";\"Rating\"\n\"a\"\"b\";\"c;d\";\"5\"\nx;y;3\n";
    const std::string dated = "user,item,rating,date\n1,2,3,2020-01-01T10:00:00Z\n2,3,4.5,1600000000\n";
    const std::string dat = "1::2::3::978300760\n2::3::4::978302109\n";
    const std::vector<std::string> files = {
        good_, lists, quotes, dated, dat, test::gzip(good_), test::zstd(lists), "\xef\xbb\xbf" + good_};
    std::string bytes = files[random() % files.size()];
    for (unsigned n = random() % 4; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bytes.resize(random() % (bytes.size() + 1));
    if (random() % 4 == 0) bytes.insert(random() % (bytes.size() + 1), bytes.substr(0, random() % (bytes.size() + 1)));
    return bytes;
  }
  ImportOptions random_options(std::mt19937& random) const {
    ImportOptions options = skipping();
    if (random() % 2 == 0) options.on_error = OnError::kFail;
    return options;
  }
};

TEST_F(DamagedInputTest, ReadsOrRefuses) {
  int n_read = 0, n_refused = 0;
  const IdMap none;
  for (unsigned seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::filesystem::remove(file_);  // file systems write a file out that is emptied and written again
    write_file(file_, damaged(random));
    try {
      const MappedRatings mapped = read_mapped_ratings(file_, none, none, {});
      EXPECT_EQ(mapped.report.n_parsed, mapped.ratings.size() + mapped.report.n_duplicates);
      ++n_read;
    } catch (const DataError&) {
      ++n_refused;
    }
  }
  EXPECT_GT(n_read, 500);
  EXPECT_GT(n_refused, 500);
}

TEST_F(DamagedInputTest, ImportsOrLeavesNothing) {
  int n_imported = 0, n_refused = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::filesystem::remove(file_);  // file systems write a file out that is emptied and written again
    write_file(file_, damaged(random));
    try {
      const Dataset dataset = import_dataset(file_, folder_ / "out", random_options(random));
      EXPECT_EQ(interactions(dataset).size(), dataset.report().n_ratings);
      ++n_imported;
    } catch (const DataError&) {
      EXPECT_EQ(count_entries(folder_.path()), 1u);
      ++n_refused;
    }
    std::filesystem::remove_all(folder_ / "out");
    std::filesystem::remove(folder_ / "rejected");
    ASSERT_EQ(count_entries(folder_.path()), 1u);
  }
  EXPECT_GT(n_imported, 10);
  EXPECT_GT(n_refused, 10);
}

}  // namespace
}  // namespace unfold
