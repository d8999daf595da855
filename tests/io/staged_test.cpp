#include "host/io/staged.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::TempDirectory;

std::size_t n_entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

const ReplaceCheck kAllow = [](const fs::path&) {};

TEST(StagedDirectory, AppearsAtCommit) {
  const TempDirectory parent;
  {
    StagedDirectory staged(parent / "out/");
    test::write_file(staged.path() / "file", "new");
    EXPECT_FALSE(fs::exists(parent / "out"));
    staged.commit();
  }
  EXPECT_EQ(test::read_file(parent / "out" / "file"), "new");
  EXPECT_EQ(n_entries(parent.path()), 1u);
  struct stat of_output {
  }, of_plain{};
  fs::create_directory(parent / "plain");
  ASSERT_EQ(::stat((parent / "out").c_str(), &of_output), 0);
  ASSERT_EQ(::stat((parent / "plain").c_str(), &of_plain), 0);
  EXPECT_EQ(of_output.st_mode, of_plain.st_mode);
}

TEST(StagedDirectory, LeavesNothingWithoutCommit) {
  const TempDirectory parent;
  try {
    const StagedDirectory staged(parent / "out");
    test::write_file(staged.path() / "file", "new");
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(n_entries(parent.path()), 0u);
}

TEST(StagedDirectory, ExistingTargetWins) {
  const TempDirectory parent;
  {
    StagedDirectory staged(parent / "out");
    fs::create_directory(parent / "out");  // empty: a plain rename would replace it
    EXPECT_THROW(staged.commit(), UsageError);
  }
  EXPECT_EQ(n_entries(parent.path()), 1u);
  EXPECT_TRUE(fs::is_empty(parent / "out"));
}

TEST(StagedDirectory, ReplacesWhenAllowed) {
  const TempDirectory parent;
  fs::create_directory(parent / "out");
  test::write_file(parent / "out" / "old", "old");
  {
    StagedDirectory staged(parent / "out");
    test::write_file(staged.path() / "file", "new");
    staged.commit_replacing(kAllow);
  }
  EXPECT_EQ(test::read_file(parent / "out" / "file"), "new");
  EXPECT_FALSE(fs::exists(parent / "out" / "old"));
  EXPECT_EQ(n_entries(parent.path()), 1u);
}

TEST(StagedDirectory, RefusalBeforeOrAfterTheSwapKeepsTheOld) {
  for (const int refused_call : {1, 2}) {
    const TempDirectory parent;
    fs::create_directory(parent / "out");
    test::write_file(parent / "out" / "old", "old");
    int calls = 0;
    {
      StagedDirectory staged(parent / "out");
      test::write_file(staged.path() / "file", "new");
      const ReplaceCheck refuse = [&](const fs::path& existing) {
        EXPECT_EQ(test::read_file(existing / "old"), "old");
        if (++calls == refused_call) throw UsageError("no");
      };
      EXPECT_THROW(staged.commit_replacing(refuse), UsageError);
    }
    EXPECT_EQ(calls, refused_call);
    EXPECT_EQ(test::read_file(parent / "out" / "old"), "old");
    EXPECT_EQ(n_entries(parent.path()), 1u);
  }
}

TEST(StagedDirectory, LinkMeansItsTarget) {
  const TempDirectory parent;
  fs::create_directories(parent / "disk/real");
  test::write_file(parent / "disk/real/old", "old");
  fs::create_directory_symlink(parent / "disk/real", parent / "link");
  StagedDirectory staged(parent / "link");
  test::write_file(staged.path() / "file", "new");
  staged.commit_replacing(kAllow);
  EXPECT_TRUE(fs::is_symlink(parent / "link"));
  EXPECT_EQ(test::read_file(parent / "disk/real/file"), "new");
}

TEST(StagedDirectory, MissingParentIsADataError) {
  const TempDirectory parent;
  EXPECT_THROW(StagedDirectory(parent / "none/out"), DataError);
  EXPECT_THROW(StagedDirectory(""), UsageError);
}

TEST(StagedFile, ReplacesWholeOrNotAtAll) {
  const TempDirectory parent;
  test::write_file(parent / "file", "old");
  {
    const StagedFile staged(parent / "file", Existing::kReplace);
    test::write_file(staged.path(), "half");
  }
  EXPECT_EQ(test::read_file(parent / "file"), "old");
  {
    StagedFile staged(parent / "file", Existing::kReplace);
    test::write_file(staged.path(), "new");
    EXPECT_EQ(staged.commit(), parent / "file");
  }
  EXPECT_EQ(test::read_file(parent / "file"), "new");
  EXPECT_EQ(n_entries(parent.path()), 1u);
}

TEST(StagedFile, RefusesWhatIsThereBeforeAndAfterTheWork) {
  const TempDirectory parent;
  test::write_file(parent / "file", "old");
  EXPECT_THROW(StagedFile(parent / "file", Existing::kRefuse), UsageError);
  {
    StagedFile staged(parent / "late", Existing::kRefuse);
    test::write_file(staged.path(), "new");
    test::write_file(parent / "late", "theirs");
    EXPECT_THROW(staged.commit(), UsageError);
  }
  EXPECT_EQ(test::read_file(parent / "file"), "old");
  EXPECT_EQ(test::read_file(parent / "late"), "theirs");
  EXPECT_EQ(n_entries(parent.path()), 2u);
}

TEST(StagedFile, TakesTheNextFreeName) {
  const TempDirectory parent;
  test::write_file(parent / "file", "first");
  fs::create_directory(parent / "file.2");
  StagedFile staged(parent / "file", Existing::kNextFree);
  test::write_file(staged.path(), "mine");
  EXPECT_EQ(staged.commit(), fs::path((parent / "file").string() + ".3"));
  EXPECT_EQ(test::read_file(parent / "file"), "first");
  EXPECT_EQ(test::read_file(parent / "file.3"), "mine");
}

TEST(StagedFile, ReplacesNothingButFiles) {
  const TempDirectory parent;
  fs::create_directory(parent / "folder");
  ASSERT_EQ(::mkfifo((parent / "pipe").c_str(), 0600), 0);
  fs::create_symlink("pipe", parent / "link");
  for (const char* name : {"folder", "pipe", "link"})
    EXPECT_THROW(StagedFile(parent / name, Existing::kReplace), UsageError) << name;
  EXPECT_THROW(StagedFile("/dev/null", Existing::kReplace), UsageError);
  EXPECT_EQ(n_entries(parent.path()), 3u);
}

TEST(StagedFile, DirectoryThatComesLateIsNotReplaced) {
  const TempDirectory parent;
  {
    StagedFile staged(parent / "file", Existing::kReplace);
    test::write_file(staged.path(), "new");
    fs::create_directory(parent / "file");
    EXPECT_THROW(staged.commit(), DataError);
  }
  EXPECT_EQ(n_entries(parent.path()), 1u);
}

}  // namespace
}  // namespace unfold
