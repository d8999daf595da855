#include "host/io/output_rule.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::TempDirectory;

TEST(OutputRule, WhatExistsIsRefusedUnlessItMayBeReplaced) {
  const TempDirectory folder;
  test::write_file(folder / "file", "mine");
  fs::create_directory(folder / "directory");
  fs::create_symlink("nowhere", folder / "dangling");
  for (const char* name : {"file", "directory", "dangling"}) {
    EXPECT_THROW(check_output(folder / name, {}, Existing::kRefuse), UsageError) << name;
    EXPECT_NO_THROW(check_output(folder / name, {}, Existing::kReplace)) << name;
    EXPECT_NO_THROW(check_output(folder / name, {}, Existing::kNextFree)) << name;
  }
  EXPECT_NO_THROW(check_output(folder / "new", {}, Existing::kRefuse));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_NO_THROW(check_output(folder / "pipe", {}, Existing::kRefuse)) << "holds nothing to lose";
  EXPECT_NO_THROW(check_output("/dev/null", {}, Existing::kRefuse));
}

TEST(OutputRule, AnInputIsNoOutputUnderAnyName) {
  const TempDirectory folder;
  test::write_file(folder / "in.csv", "a,b");
  fs::create_symlink("in.csv", folder / "link");
  fs::create_hard_link(folder / "in.csv", folder / "hard");
  const NamedInput inputs[] = {{"--test", folder / "none"}, {"--items", {}}, {"DATA", folder / "in.csv"}};
  for (const char* name : {"in.csv", "link", "hard", "./in.csv"}) {
    for (const Existing existing : {Existing::kRefuse, Existing::kReplace, Existing::kNextFree}) {
      try {
        check_output(folder / name, inputs, existing);
        FAIL() << name;
      } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("is the DATA of this command"), std::string::npos) << error.what();
      }
    }
  }
}

TEST(OutputRule, NothingIsWrittenIntoAFolderThatIsRead) {
  const TempDirectory folder;
  fs::create_directories(folder / "model/deep");
  fs::create_directory_symlink(folder / "model", folder / "link");
  const NamedInput inputs[] = {{"MODEL", folder / "model"}};
  for (const char* name : {"model/log", "model/deep/log", "link/log", "model"}) {
    EXPECT_THROW(check_output(folder / name, inputs, Existing::kReplace), UsageError) << name;
  }
  EXPECT_NO_THROW(check_output(folder / "model-npy", inputs, Existing::kReplace));
}

TEST(OutputRule, NumbersWhatIsTaken) {
  const TempDirectory folder;
  EXPECT_EQ(next_free(folder / "m"), folder / "m");
  fs::create_directory(folder / "m");
  fs::create_symlink("nowhere", folder / "m.2");
  EXPECT_EQ(next_free(folder / "m"), fs::path((folder / "m").string() + ".3"));
}

}  // namespace
}  // namespace unfold
