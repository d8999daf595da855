// unfold import: pipes, quotes, and what it says of columns that are not read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <thread>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CliImport : public CliTest {
 protected:
  // Runs the program while another thread writes `text` to the pipe work()/`name`.
  ProcessResult with_pipe(const std::string& name, const std::string& text, const std::vector<std::string>& arguments) {
    EXPECT_EQ(mkfifo(path(name).c_str(), 0600), 0);
    std::thread writer([&] { write_file(path(name), text); });
    const ProcessResult result = unfold(arguments);
    writer.join();
    return result;
  }
};

constexpr const char* kRatings = "user,item,rating\nu1,i1,3\nu1,i2,4\nu2,i1,5\n";

TEST_F(CliImport, ReadsAPipe) {
  const ProcessResult result = with_pipe("pipe", kRatings, {"import", "pipe", "--out", "data"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_json("data/dataset.json")["n_ratings"], 3);
  write_file(path("plain.csv"), kRatings);
  unfold_ok({"import", "plain.csv", "--out", "plain"});
  EXPECT_EQ(read_json("data/dataset.json")["source_xxh3_128"], read_json("plain/dataset.json")["source_xxh3_128"]);
}

TEST_F(CliImport, ReadsSeveralFilesAsOne) {
  write_file(path("all.csv"), std::string(kRatings) + "u3,i1,2\nu3,i2,1\n");
  write_file(path("part-0"), kRatings);
  write_file(path("part-1"), "");
  write_file(path("part-2"), "user,item,rating\nu3,i1,2\n");
  write_file(path("part-3"), "u3,i2,1\n");
  unfold_ok({"import", "all.csv", "--out", "all"});
  unfold_ok({"import", "part-0", "part-1", "part-2", "part-3", "--out", "parts"});
  for (const char* file : {"user.npy", "item.npy", "rating.npy", "user_ids.txt", "item_ids.txt"}) {
    EXPECT_EQ(read_file(path("all") / file), read_file(path("parts") / file)) << file;
  }
  unfold_ok({"import", "part-0", "part-2"});
  EXPECT_THAT(unfold({"import", "part-0", "part-2"}).err, HasSubstr("imported before"));
  write_file(path("part-4"), "u4,i2\n");
  expect_error({"import", "part-0", "part-4", "--out", "bad"}, 3, "part-4:1: 2 columns where 3 are expected");
}

TEST_F(CliImport, LettersThatBeginABinaryFormatMayBeginText) {
  write_file(path("orc.csv"), "ORCID,paper,score\nO1,p1,3\nO1,p2,4\n");
  unfold_ok({"import", "orc.csv", "--columns", "user=ORCID,item=paper,rating=score", "--out", "d"});
  EXPECT_EQ(read_json("d/dataset.json")["n_ratings"], 2);
}

TEST_F(CliImport, ALaterHeaderMayStandBelowComments) {
  write_file(path("a.csv"), "# first\nuser,item,rating\nu1,i1,3\n");
  write_file(path("b.csv"), "# more\n\nuser,item,rating\nu2,i1,3\n");
  unfold_ok({"import", "a.csv", "b.csv", "--out", "d"});
  EXPECT_EQ(read_json("d/dataset.json")["n_ratings"], 2);
}

TEST_F(CliImport, ColumnsInAnotherOrderAreNoBadLine) {
  write_file(path("a.csv"), "user,item,rating,timestamp\nu1,i1,3,1500000000\nu1,i2,4,1500000001\n");
  write_file(path("b.csv"), "user,item,timestamp,rating\nu2,i1,1500000002,5\n");
  write_file(path("pairs.csv"), "item,user\ni1,u2\n");
  write_file(path("users.csv"), "user,item\nu1,i1\nu1,i2\n");
  for (const char* on_error : {"fail", "skip"}) {
    expect_error({"import", "a.csv", "b.csv", "--on-error", on_error, "--out", "d"}, 3, "b.csv:1: names other columns");
    expect_error({"import", "users.csv", "pairs.csv", "--on-error", on_error, "--out", "d"}, 3, "pairs.csv:1: ");
    write_file(path("both.csv"), read_file(path("a.csv")) + read_file(path("b.csv")));
    expect_error({"import", "both.csv", "--on-error", on_error, "--out", "d"}, 3,
                 "both.csv:4: the line names the columns");
  }
  EXPECT_FALSE(std::filesystem::exists(path("d")));
}

TEST_F(CliImport, APipeIsNotCached) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  expect_error({"import", "pipe"}, 3, "--out DIR");
}

TEST_F(CliImport, NoOneWritesToThePipe) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  expect_error({"import", "pipe", "--out", "data"}, 3, "the file is empty");
  expect_error({"import", "/dev/zero", "--out", "data"}, 3, "terminal or device");
}

TEST_F(CliImport, QuotesThatAreNone) {
  write_file(path("plays.tsv"), "u1\t\"weird al\" yankovic\t3\nu1\t9\" nails\t4\nu2\tx\t1\n");
  expect_error({"import", "plays.tsv", "--out", "data"}, 3, "--quote none");
  unfold_ok({"import", "plays.tsv", "--out", "data", "--quote", "none"});
  EXPECT_THAT(read_file(path("data/item_ids.txt")), HasSubstr("\"weird al\" yankovic\n"));
  expect_error({"import", "plays.tsv", "--out", "other", "--quote", "single"}, 2,
               "--quote single: use auto, double or none");
}

TEST_F(CliImport, SaysWhatIsNotRead) {
  write_file(path("data.csv"), "# by hand\nuser,item,hours\nu1,i1,3\nu1,i2,4\n");
  const ProcessResult result = unfold({"import", "data.csv", "--out", "data"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr("note: columns of numbers that are not read: hours"),
                                HasSubstr("1 comment lines left out")));
  const ProcessResult quiet = unfold({"import", "data.csv", "--out", "again", "--quiet"});
  EXPECT_THAT(quiet.err, Not(HasSubstr("note")));
}

}  // namespace
}  // namespace unfold::test
