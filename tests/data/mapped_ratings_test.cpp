#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/dataset.hpp"

namespace unfold {
namespace {

using test::data_error;
using test::interactions;
using test::TempDirectory;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;

class MappedRatingsTest : public testing::Test {
 protected:
  MappedRatings map(const std::string& text, const ImportOptions& options = {}) {
    write_file(folder_ / "test", text);
    return read_mapped_ratings(folder_ / "test", users_, items_, options);
  }
  void SetUp() override {
    for (const char* id : {"a", "b"}) users_.find_or_add(id);
    for (const char* id : {"x", "y", "z"}) items_.find_or_add(id);
  }

  TempDirectory folder_;
  IdMap users_, items_;
};

TEST_F(MappedRatingsTest, MapsInFileOrderAndCountsUnknownIds) {
  const MappedRatings mapped = map("b,z,1\na,q,2\nn,x,3\nn,q,4\na,x,5\n");
  const RatingView ratings = mapped.ratings.view();
  EXPECT_THAT(ratings.users, ElementsAre(1, 0, kNoRow, kNoRow, 0));
  EXPECT_THAT(ratings.items, ElementsAre(2, kNoRow, 0, kNoRow, 0));
  EXPECT_THAT(ratings.ratings, ElementsAre(1.0f, 2.0f, 3.0f, 4.0f, 5.0f));
  EXPECT_EQ(mapped.n_unknown_users, 2u);
  EXPECT_EQ(mapped.n_unknown_items, 2u);
  EXPECT_EQ(mapped.report.n_ratings, 5u);
  EXPECT_EQ(mapped.report.n_users, 3u);
  EXPECT_EQ(mapped.report.n_items, 3u);
  EXPECT_EQ(mapped.report.rating_mean, 3.0);
  EXPECT_EQ(users_.size(), 2u) << "the known ids stay as they are";
}

TEST_F(MappedRatingsTest, DropsDuplicatesOfUnknownIdsToo) {
  const MappedRatings mapped = map("user,item,rating,time\nn,x,1,50\na,y,9,1\nn,x,2,40\nm,x,3,1\na,y,4,2\n");
  const RatingView ratings = mapped.ratings.view();
  EXPECT_THAT(ratings.ratings, ElementsAre(1.0f, 3.0f, 4.0f));
  EXPECT_THAT(ratings.times, ElementsAre(50, 1, 2));
  EXPECT_EQ(mapped.report.n_duplicates, 2u);
}

TEST_F(MappedRatingsTest, ResultDoesNotDependOnTheMemoryBound) {
  std::string text;
  for (int n = 0; n < 30'000; ++n) {
    text += std::to_string(n * 31 % 97) + "," + std::to_string(n * 17 % 1009) + "," + std::to_string(n % 5) + "\n";
  }
  const MappedRatings expected = map(text + text);
  EXPECT_EQ(expected.report.n_duplicates, 30'000u);
  ImportOptions options;
  options.memory_bytes = 40'000;
  const MappedRatings small = map(text + text, options);
  const RatingView a = expected.ratings.view(), b = small.ratings.view();
  ASSERT_EQ(a.size(), b.size());
  for (std::uint64_t n = 0; n < a.size(); ++n) {
    ASSERT_EQ(a.users[n], b.users[n]);
    ASSERT_EQ(a.items[n], b.items[n]);
    ASSERT_EQ(a.ratings[n], b.ratings[n]);
  }
}

TEST_F(MappedRatingsTest, MapsAnImportedDataSet) {
  write_file(folder_ / "file", "user,item,rating,timestamp\nb,z,1,7\na,q,2,8\nn,x,3,9\na,x,5,10\n");
  import_dataset(folder_ / "file", folder_ / "data", {});
  const MappedRatings mapped = read_mapped_ratings(folder_ / "data", users_, items_, {});
  ASSERT_EQ(mapped.ratings.size(), 4u);
  EXPECT_EQ(mapped.n_unknown_users, 1u);
  EXPECT_EQ(mapped.n_unknown_items, 1u);
  EXPECT_TRUE(mapped.report.has_ratings);
  const RatingView ratings = mapped.ratings.view();
  for (std::uint64_t n = 0; n < 4; ++n) {
    const auto rating = static_cast<int>(ratings.ratings[n]);
    EXPECT_EQ(ratings.users[n], rating == 1 ? 1u : rating == 3 ? kNoRow : 0u) << rating;
    EXPECT_EQ(ratings.items[n], rating == 1 ? 2u : rating == 2 ? kNoRow : 0u) << rating;
    EXPECT_EQ(ratings.times[n], rating == 1 ? 7 : rating == 2 ? 8 : rating == 3 ? 9 : 10) << rating;
  }
}

TEST_F(MappedRatingsTest, FailsLikeAnImport) {
  EXPECT_THAT(data_error([&] { map("a,x,1\na,y,bad\n"); }), HasSubstr("test:2: column 3 (rating): \"bad\""));
  EXPECT_THAT(data_error([&] { map("user,item,rating\n"); }),
              HasSubstr("no ratings: nothing follows the line with the columns' names"));
  EXPECT_THAT(data_error([&] { read_mapped_ratings(folder_ / "none", users_, items_, {}); }),
              HasSubstr("no such file"));
}

}  // namespace
}  // namespace unfold
