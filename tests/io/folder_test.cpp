#include "host/io/folder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "host/io/json.hpp"
#include "host/io/map_registry.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::TempDirectory;

void make_folder(const fs::path& path, const std::string& text) {
  fs::create_directory(path);
  test::write_file(path / "one", text);
  test::write_file(path / "two", text);
}

void exchange(const fs::path& a, const fs::path& b) {
  ASSERT_EQ(renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE), 0);
}

TEST(Folder, FilesAreOfOneFolder) {
  const TempDirectory parent;
  make_folder(parent / "m", "old");
  make_folder(parent / "other", "new");
  const std::string read = read_folder(parent / "m", [&](const Folder& folder) {
    std::string text = folder.read("one");
    exchange(parent / "m", parent / "other");
    return text + folder.read("two");
  });
  EXPECT_EQ(read, "oldold");
}

TEST(Folder, IsReadAgainWhenItGoesWhileItIsRead) {
  const TempDirectory parent;
  make_folder(parent / "m", "old");
  make_folder(parent / "other", "new");
  int n_reads = 0;
  const std::string read = read_folder(parent / "m", [&](const Folder& folder) {
    std::string text = folder.read("one");
    if (++n_reads == 1) {
      exchange(parent / "m", parent / "other");
      fs::remove_all(parent / "other");
    }
    return text + folder.read("two");
  });
  EXPECT_EQ(read, "newnew");
  EXPECT_EQ(n_reads, 2);
  fs::remove(parent / "m/two");
  EXPECT_THROW(read_folder(parent / "m", [](const Folder& folder) { return folder.read("two"); }), DataError)
      << "gone for good";
}

TEST(Folder, ReplacesAFileOfItsOwnWhereverItIs) {
  const TempDirectory parent;
  make_folder(parent / "m", "old");
  make_folder(parent / "other", "theirs");
  const Folder folder = Folder::open(parent / "m");
  exchange(parent / "m", parent / "other");
  EXPECT_FALSE(folder.is_current());
  folder.replace("one", "changed");
  EXPECT_EQ(test::read_file(parent / "m/one"), "theirs");
  EXPECT_EQ(test::read_file(parent / "other/one"), "changed");
  EXPECT_EQ(std::distance(fs::directory_iterator(parent / "other"), {}), 2);
}

TEST(Folder, KnowsThatAnotherTookItsPlace) {
  const TempDirectory work;
  fs::create_directory(work / "a");
  const Folder folder = Folder::open(work / "a");
  EXPECT_FALSE(folder.is_replaced());
  fs::rename(work / "a", work / "b");
  EXPECT_FALSE(folder.is_replaced()) << "nothing has its name";
  fs::create_directory(work / "a");
  EXPECT_FALSE(folder.is_replaced()) << "it was moved, and is there";
  fs::rename(work / "b", work / ".unfold-0123456789abcdef.tmp");
  EXPECT_TRUE(folder.is_replaced()) << "it is about to be removed";
  fs::remove(work / ".unfold-0123456789abcdef.tmp");
  EXPECT_TRUE(folder.is_replaced());
}

TEST(Folder, PipesAndDevicesAreNoFiles) {
  const TempDirectory parent;
  ASSERT_EQ(mkfifo((parent / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", parent / "zero");
  fs::create_directory(parent / "folder");
  const Folder folder = Folder::open(parent.path());
  for (const char* name : {"pipe", "zero", "folder", "none"}) {
    EXPECT_THROW(folder.map(name), DataError) << name;
    EXPECT_THROW(MappedFile::open(parent / name), DataError) << name;
    EXPECT_FALSE(folder.has(name)) << name;
  }
}

TEST(MapRegistry, NamesTheFileOfAnAddress) {
  const TempDirectory parent;
  test::write_file(parent / "column", std::string(10'000, 'x'));
  const std::byte* inside = nullptr;
  {
    const MappedFile mapped = MappedFile::open(parent / "column");
    inside = mapped.bytes().data() + 9'999;
    ASSERT_NE(find_mapped_file(inside), nullptr);
    EXPECT_EQ(find_mapped_file(inside), (parent / "column").string());
    EXPECT_EQ(find_mapped_file(&inside), nullptr);
  }
  EXPECT_EQ(find_mapped_file(inside), nullptr);
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth), "file"));
  for (const int depth : {kMaxJsonDepth + 1, 1'000'000}) EXPECT_THROW(parse_json(nested(depth), "file"), DataError);
  // Brackets in a string are text.
  EXPECT_EQ(parse_json("{\"a\\\"\": \"" + nested(1000) + "\"}", "file").size(), 1u);
  EXPECT_THROW(parse_json("{", "file"), DataError);
}

}  // namespace
}  // namespace unfold
