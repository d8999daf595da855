#include "host/io/temporary.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "host/io/staged.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::TempDirectory;

// What a process that was killed leaves in `directory`: a folder with a file, and a file.
void leave_litter(const fs::path& directory) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const TemporaryEntry folder = make_temporary_directory(directory);
    const TemporaryEntry file = make_temporary_file(directory);
    test::write_file(folder.path / "column", "half");
    [[maybe_unused]] const ssize_t n = write(ready[1], "!", 1);
    for (;;) pause();
  }
  char c = 0;
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  remove_litter(directory);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 2) << "of a run that is alive";
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 2);
}

TEST(Temporary, WhatAKilledRunLeftIsRemoved) {
  const TempDirectory directory;
  leave_litter(directory.path());
  remove_litter(directory.path());
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(Temporary, TheNextWriterRemovesIt) {
  for (const bool is_file : {false, true}) {
    const TempDirectory directory;
    leave_litter(directory.path());
    if (is_file) {
      StagedFile staged(directory / "out", Existing::kRefuse);
      staged.commit();
    } else {
      StagedDirectory staged(directory / "out");
      staged.commit();
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 1);
  }
}

TEST(Temporary, WhatIsBeingWrittenStays) {
  const TempDirectory directory;
  StagedDirectory folder(directory / "folder");
  StagedFile file(directory / "file", Existing::kRefuse);
  remove_litter(directory.path());
  folder.commit();
  file.commit();
  EXPECT_TRUE(fs::exists(directory / "folder"));
  EXPECT_TRUE(fs::exists(directory / "file"));
}

TEST(Temporary, WhatIsReplacedStaysUntilItIsClearThatItGoes) {
  const TempDirectory directory;
  fs::create_directory(directory / "out");
  test::write_file(directory / "out/old", "old");
  StagedDirectory staged(directory / "out");
  const auto sweep_and_refuse = [&, n_calls = 0](const fs::path&) mutable {
    remove_litter(directory.path());
    if (++n_calls == 2) throw std::runtime_error("no");
  };
  EXPECT_THROW(staged.commit_replacing(sweep_and_refuse), std::runtime_error);
  EXPECT_EQ(test::read_file(directory / "out/old"), "old");
}

TEST(Temporary, OtherNamesLinksAndOtherSystemsAreLeftAlone) {
  const TempDirectory directory;
  const std::string own = make_temporary_file(directory.path()).path.filename().string();
  remove_litter(directory.path());
  EXPECT_TRUE(fs::is_empty(directory.path())) << own;
  const std::string elsewhere = std::string(".unfold-") + (own[8] == '0' ? "1" : "0") + own.substr(9);
  fs::create_directory(directory / "kept");
  test::write_file(directory / "kept/file", "mine");
  fs::create_directory_symlink(directory / "kept", directory / own);
  for (const char* name : {".unfold-notes.tmp", ".unfold-0123456789ABCDEF.tmp", "unfold-0123456789abcdef.tmp"}) {
    test::write_file(directory / name, "mine");
  }
  test::write_file(directory / elsewhere, "theirs");
  remove_litter(directory.path());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 6);
  // A day later nobody writes it any more.
  const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (directory / elsewhere).c_str(), times, 0), 0);
  remove_litter(directory.path());
  EXPECT_FALSE(fs::exists(directory / elsewhere));
  EXPECT_EQ(test::read_file(directory / "kept/file"), "mine");
}

}  // namespace
}  // namespace unfold
