#include "unfold/id_map.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

using test::TempDirectory;

IdMap map_of(const std::vector<std::string>& ids) {
  IdMap map;
  for (const std::string& id : ids) map.find_or_add(id);
  return map;
}

std::string message_of_read(const std::filesystem::path& file) {
  try {
    IdMap::read(file);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(IdMap, AgreesWithAStandardMapOnRandomIds) {
  IdMap map;
  std::map<std::string, Row> reference;
  std::vector<std::string> order;
  for (std::uint64_t n = 0; n < 100000; ++n) {
    const RandomBlock block = philox(3, n, 0);
    // Ids of 1 to 4 arbitrary bytes and more, many of them repeated.
    std::string id(reinterpret_cast<const char*>(&block.v[1]), 1 + block.v[0] % 4);
    if (block.v[0] % 3 == 0) id = std::to_string(block.v[2] % 20000);
    const auto [known, is_new] = reference.emplace(id, static_cast<Row>(order.size()));
    if (is_new) order.push_back(id);
    ASSERT_EQ(map.find_or_add(id), known->second);
  }
  ASSERT_EQ(map.size(), order.size());
  for (Row row = 0; row < map.size(); ++row) {
    ASSERT_EQ(map.id(row), order[row]);
    ASSERT_EQ(map.find(order[row]), row);
  }
  EXPECT_EQ(map.find("this id was never added"), kNoRow);
}

TEST(IdMap, ReordersAndDrops) {
  const IdMap map = map_of({"a", "b", "c", "d"});
  const IdMap reordered = map.reordered({3, 0, 2});
  ASSERT_EQ(reordered.size(), 3u);
  EXPECT_EQ(reordered.id(0), "d");
  EXPECT_EQ(reordered.find("a"), 1u);
  EXPECT_EQ(reordered.find("b"), kNoRow);
}

TEST(IdMap, FileRoundTripKeepsBytes) {
  const TempDirectory directory;
  const std::vector<std::string> ids = {"plain", "with space", "\xff\xfe not UTF-8", "tab\there", "carriage\r", ",\""};
  map_of(ids).write(directory / "ids.txt");
  const IdMap read = IdMap::read(directory / "ids.txt");
  ASSERT_EQ(read.size(), ids.size());
  for (Row row = 0; row < read.size(); ++row) EXPECT_EQ(read.id(row), ids[row]);
  read.write(directory / "again.txt");
  EXPECT_EQ(test::read_file(directory / "again.txt"), test::read_file(directory / "ids.txt"));
}

TEST(IdMap, ReadNamesTheLine) {
  const TempDirectory directory;
  test::write_file(directory / "twice", "a\nb\na\n");
  EXPECT_NE(message_of_read(directory / "twice").find("twice:3: the id \"a\" is on line 1"), std::string::npos);
  test::write_file(directory / "gap", "a\n\nb\n");
  EXPECT_NE(message_of_read(directory / "gap").find("gap:2: the id is empty"), std::string::npos);
  EXPECT_NE(message_of_read(directory / "none").find("none: cannot open"), std::string::npos);
}

TEST(IdMap, LastLineFeedMayBeMissing) {
  const TempDirectory directory;
  test::write_file(directory / "ids", "a\nb");
  EXPECT_EQ(IdMap::read(directory / "ids").find("b"), 1u);
  test::write_file(directory / "empty", "");
  EXPECT_EQ(IdMap::read(directory / "empty").size(), 0u);
}

TEST(IdMap, UnwritableIdIsRefused) {
  const TempDirectory directory;
  EXPECT_THROW(map_of({"a", "b\nc"}).write(directory / "ids"), DataError);
}

TEST(IdMap, OneIdTooManyIsADataError) {
  IdMap map;
  EXPECT_EQ(map.max_size(), std::uint64_t{0xFFFFFFFF});
  map.set_max_size(2);
  map.find_or_add("a");
  map.find_or_add("b");
  EXPECT_EQ(map.find_or_add("a"), 0u);
  try {
    map.find_or_add("c");
    FAIL() << "a third id fitted into two";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("\"c\" is one id too many: at most 2"), std::string::npos);
  }
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(map.find("c"), kNoRow);
}

TEST(IdMap, MovedMapStillFinds) {
  IdMap map = map_of({"a", "b"});
  const IdMap moved = std::move(map);
  EXPECT_EQ(moved.find("b"), 1u);
}

TEST(IdMap, IsCompact) {
  IdMap map;
  for (int n = 0; n < 1000000; ++n) map.find_or_add(fmt::format("{}", n));
  // Bytes, end offset and hash slot; each may be twice its need after growth, and the table half empty again.
  EXPECT_LT(map.memory_bytes(), 1000000u * (2 * 6 + 2 * 8 + 4 * 12));
}

}  // namespace
}  // namespace unfold
