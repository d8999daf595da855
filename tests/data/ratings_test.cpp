#include "unfold/ratings.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

using test::TempDirectory;

// More rows than a writer's buffer holds of any column.
constexpr std::uint64_t kRows = 200001;

Rating row_of(std::uint64_t n) {
  const RandomBlock block = philox(7, n, 0);
  return {block.v[0], block.v[1], static_cast<float>(block.v[2]) * 0.001f, -static_cast<std::int64_t>(block.v[3]) * 5};
}

Ratings write_rows(RatingWriter writer, std::uint64_t n_rows) {
  for (std::uint64_t n = 0; n < n_rows; ++n) writer.append(row_of(n));
  EXPECT_EQ(writer.size(), n_rows);
  Ratings ratings = writer.finish();
  EXPECT_EQ(writer.size(), 0u);
  return ratings;
}

void expect_rows(const RatingView& view, std::uint64_t n_rows, bool with_times) {
  ASSERT_EQ(view.size(), n_rows);
  ASSERT_EQ(view.items.size(), n_rows);
  ASSERT_EQ(view.ratings.size(), n_rows);
  EXPECT_EQ(view.has_times(), with_times && n_rows > 0);
  for (std::uint64_t n = 0; n < n_rows; ++n) {
    const Rating expected = row_of(n);
    const Rating found = view[n];
    ASSERT_EQ(found.user, expected.user) << n;
    ASSERT_EQ(found.item, expected.item) << n;
    ASSERT_EQ(found.rating, expected.rating) << n;
    ASSERT_EQ(found.time, with_times ? expected.time : 0) << n;
  }
}

std::string message_of_open(const std::filesystem::path& directory) {
  try {
    Ratings::open(directory);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Ratings, WrittenRowsAreReadBack) {
  for (const bool with_times : {false, true}) {
    const TempDirectory directory;
    const Ratings written = write_rows(RatingWriter::to_directory(directory.path(), with_times), kRows);
    expect_rows(written.view(), kRows, with_times);
    expect_rows(Ratings::open(directory.path()).view(), kRows, with_times);
    EXPECT_EQ(std::filesystem::exists(directory / "time.npy"), with_times);
  }
}

TEST(Ratings, TemporaryColumnsHaveNoName) {
  const TempDirectory directory;
  for (const bool with_times : {false, true}) {
    Ratings ratings = write_rows(RatingWriter::temporary(with_times, directory.path()), kRows);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
    const Ratings moved = std::move(ratings);
    expect_rows(moved.view(), kRows, with_times);
    EXPECT_EQ(ratings.size(), 0u);
  }
}

TEST(Ratings, ColumnsAreAlignedForVectorLoads) {
  const Ratings ratings = write_rows(RatingWriter::temporary(true), 3);
  const RatingView view = ratings.view();
  for (const void* column :
       {static_cast<const void*>(view.users.data()), static_cast<const void*>(view.times.data())}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(column) % 64, 0u);
  }
}

TEST(Ratings, NoRowsAreFine) {
  const TempDirectory directory;
  expect_rows(write_rows(RatingWriter::to_directory(directory.path(), true), 0).view(), 0, true);
  expect_rows(Ratings::open(directory.path()).view(), 0, true);
  EXPECT_EQ(Ratings().size(), 0u);
}

TEST(Ratings, SliceKeepsColumnsTogether) {
  const Ratings ratings = write_rows(RatingWriter::temporary(true), 10);
  const RatingView slice = ratings.view().slice(4, 3);
  ASSERT_EQ(slice.size(), 3u);
  for (std::uint64_t n = 0; n < 3; ++n) {
    EXPECT_EQ(slice[n].user, row_of(4 + n).user);
    EXPECT_EQ(slice[n].time, row_of(4 + n).time);
  }
}

TEST(Ratings, BrokenColumnsAreNamed) {
  const TempDirectory directory;
  write_rows(RatingWriter::to_directory(directory.path(), true), 100);
  const std::string item = test::read_file(directory / "item.npy");
  test::write_file(directory / "item.npy", std::string_view(item).substr(0, item.size() - 1));
  EXPECT_NE(message_of_open(directory.path()).find("item.npy: is truncated"), std::string::npos);

  test::write_file(directory / "item.npy", test::read_file(directory / "rating.npy"));
  EXPECT_NE(message_of_open(directory.path()).find("'<f4', not '<u4'"), std::string::npos);

  const TempDirectory shorter;
  write_rows(RatingWriter::to_directory(shorter.path(), true), 99);
  std::filesystem::copy_file(shorter / "item.npy", directory / "item.npy",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_NE(message_of_open(directory.path()).find("holds 99 values"), std::string::npos);

  std::filesystem::remove(directory / "item.npy");
  EXPECT_NE(message_of_open(directory.path()).find("item.npy: cannot open"), std::string::npos);
}

TEST(Ratings, FullDiskIsADataError) {
  const TempDirectory directory;
  for (const char* name : {"user.npy", "item.npy", "rating.npy"}) {
    std::filesystem::create_symlink("/dev/full", directory / name);
  }
  try {
    write_rows(RatingWriter::to_directory(directory.path(), false), kRows);
    FAIL() << "a full disk went unnoticed";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("user.npy: cannot write"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
  }
}

TEST(Ratings, MissingDirectoryIsADataError) {
  const TempDirectory directory;
  EXPECT_THROW(RatingWriter::to_directory(directory / "none", false), DataError);
  EXPECT_THROW(RatingWriter::temporary(false, directory / "none"), DataError);
  EXPECT_THROW(Ratings::open(directory / "none"), DataError);
}

}  // namespace
}  // namespace unfold
