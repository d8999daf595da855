#include "host/io/checksums.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Json = nlohmann::ordered_json;

TEST(Checksums, NamesArePathsInsideTheFolder) {
  for (const char* name : {"a", "a.txt", ".a", "..a", "a/b", "a/b/c", "a b", "\u00fc"}) {
    EXPECT_TRUE(is_inner_path(name)) << name;
  }
  using namespace std::string_view_literals;
  for (const std::string_view name : {""sv, "."sv, ".."sv, "/a"sv, "a/"sv, "a//b"sv, "a/./b"sv, "./a"sv, "../a"sv,
                                      "a/../../b"sv, "a/.."sv, "/"sv, "a\0b"sv}) {
    EXPECT_FALSE(is_inner_path(name)) << name;
  }
}

TEST(Checksums, AListNamesEveryFileOnceWithBoth) {
  const Json good = {{"file_bytes", {{"b", 1}, {"v/a", 2}}}, {"file_xxh3_128", {{"v/a", "x"}, {"b", "y"}}}};
  EXPECT_EQ(listed_files(good, "d.json"), (std::vector<std::string>{"b", "v/a"}));
  const auto message = [](const Json& json) {
    try {
      listed_files(json, "d.json");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto expect = [&](const Json& json, const char* words) {
    EXPECT_NE(message(json).find(words), std::string::npos) << message(json);
    EXPECT_TRUE(message(json).starts_with("d.json: "));
  };
  Json bad = good;
  bad.erase("file_bytes");
  expect(bad, "\"file_bytes\", which lists its files, is missing");
  bad = good;
  bad["file_xxh3_128"] = 3;
  expect(bad, "\"file_xxh3_128\", which lists its files, is missing");
  bad = good;
  bad["file_xxh3_128"].erase("b");
  expect(bad, "\"file_xxh3_128\" lacks \"b\", which \"file_bytes\" has");
  bad = good;
  bad["file_bytes"].erase("v/a");
  expect(bad, "\"file_bytes\" lacks \"v/a\", which \"file_xxh3_128\" has");
  bad = good;
  bad["file_bytes"]["../a"] = 1;
  bad["file_xxh3_128"]["../a"] = "z";
  expect(bad, "names \"../a\"");
}

TEST(Checksums, FilesInFoldersAreComparedToo) {
  const test::TempDirectory directory;
  std::filesystem::create_directories(directory / "v/w");
  test::write_file(directory / "v/w/a", "text");
  Json json;
  const std::string files[] = {"v/w/a"};
  add_checksums(json, directory.path(), files);
  const Folder folder = Folder::open(directory.path());
  EXPECT_EQ(check_contents(json, folder, ""), 4u);
  test::write_file(directory / "v/w/a", "Text");
  EXPECT_THROW(check_contents(json, folder, ""), DataError);
  json["file_bytes"]["../" + directory.path().filename().string() + "/v/w/a"] = 4;
  EXPECT_THROW(check_sizes(json, folder, ""), DataError);
}

}  // namespace
}  // namespace unfold
