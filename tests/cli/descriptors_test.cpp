// Outputs by names such as /dev/stdout and /dev/fd/3 go where these lead, whatever that is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliDescriptors : public CliTest {
 protected:
  void SetUp() override { write_ratings("r.csv", 400); }
  void train_model() { unfold_ok(train_command("r.csv", "m", {"--quiet"})); }
  // Runs a line of shell in which $U is the program.
  ProcessResult shell(const std::string& line) {
    ProcessOptions options = process_options();
    options.environment["U"] = program().string();
    ProcessResult result = run_process({"/bin/sh", "-c", line}, options);
    EXPECT_EQ(result.exit_code, 0) << line << "\n" << result.err;
    return result;
  }
};

TEST_F(CliDescriptors, ALog) {
  const std::string train = "$U train r.csv --dim 2 --epochs 1 --device cpu --no-ranking --quiet ";
  write_file(path("log"), "before\n");
  shell(train + "--out a --log-json /dev/fd/3 3>>log");
  EXPECT_THAT(read_file(path("log")), StartsWith("before\n{\"epoch\":1"));
  shell(train + "--out b --log-json /dev/stdout >out");
  EXPECT_THAT(read_file(path("out")), StartsWith("{\"epoch\":1"));
  EXPECT_THAT(read_file(path("out")), HasSubstr("rmse  "));
}

TEST_F(CliDescriptors, Lists) {
  train_model();
  write_file(path("users.txt"), "u1\nu2\n");
  const std::string lists = shell("$U recommend m --ids users.txt -k 3 --quiet").out;
  EXPECT_EQ(shell("$U recommend m --ids users.txt -k 3 --quiet --out /dev/stdout | cat").out, lists);
  shell("{ echo head; $U recommend m --ids users.txt -k 3 --out /dev/stdout; echo tail; } >out");
  EXPECT_EQ(read_file(path("out")), "head\n" + lists + "tail\n");
  shell("$U recommend m --ids users.txt -k 3 --out /proc/self/fd/3 3>>out");
  EXPECT_EQ(read_file(path("out")), "head\n" + lists + "tail\n" + lists);
  EXPECT_EQ(shell("$U recommend m --ids users.txt -k 3 --quiet --out /dev/fd/3 3>&1 | cat").out, lists);
}

TEST_F(CliDescriptors, RejectedLines) {
  train_model();
  write_file(path("bad.csv"), read_file(path("r.csv")) + "u1,i1,x\n");
  const std::string skip = " --on-error skip --quiet --rejected ";
  write_file(path("lines"), "before\n");
  for (const char* out : {"--out a", "", ""}) {
    shell(std::string("$U import bad.csv ") + out + skip + "/dev/fd/3 3>>lines");
  }
  EXPECT_EQ(read_file(path("lines")), "before\nu1,i1,x\nu1,i1,x\nu1,i1,x\n") << "a cached import writes them again";
  EXPECT_EQ(shell("$U import bad.csv --out b" + skip + "/dev/fd/3 3>&1 >names | cat").out, "u1,i1,x\n");
  EXPECT_THAT(shell("$U evaluate m --test bad.csv --no-ranking" + skip + "/dev/stdout").out, StartsWith("u1,i1,x\n"));
  // Of two files of a run, both.
  shell("$U train bad.csv --test bad.csv --out n --epochs 1 --no-ranking" + skip + "/dev/fd/3 3>both");
  EXPECT_EQ(read_file(path("both")), "u1,i1,x\nu1,i1,x\n");
}

TEST_F(CliDescriptors, ASyntheticDataSetAndAMap) {
  train_model();
  unfold_ok(
      {"synth", "s.csv", "--ratings", "50", "--users", "10", "--items", "10", "--groups", "2", "--items-out", "g"});
  const std::string synth = "$U synth /dev/stdout --ratings 50 --users 10 --items 10 --groups 2 --items-out ";
  const ProcessResult piped = shell(synth + "/dev/fd/3 3>groups | cat");
  EXPECT_EQ(piped.out, read_file(path("s.csv")));
  EXPECT_THAT(piped.err, HasSubstr("/dev/stdout: 50 ratings"));
  EXPECT_EQ(read_file(path("groups")), read_file(path("g")));
  shell(synth + "g2 >file");
  EXPECT_EQ(read_file(path("file")), read_file(path("s.csv")));
  EXPECT_FALSE(fs::exists("/dev/stdout.users.csv"));
  const std::string map = shell("$U map m --out /dev/stdout --quiet").out;
  EXPECT_THAT(map, StartsWith("<"));
  EXPECT_THAT(map, Not(HasSubstr("/dev/stdout")));
}

TEST_F(CliDescriptors, AnInputIsNoOutputUnderThisNameEither) {
  train_model();
  write_file(path("users.txt"), "u1\n");
  ProcessOptions options = process_options();
  options.environment["U"] = program().string();
  const ProcessResult result =
      run_process({"/bin/sh", "-c", "$U recommend m --ids users.txt --out /dev/stdout >>users.txt"}, options);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("/dev/stdout: is the --ids of this command and is not written over"));
  EXPECT_EQ(read_file(path("users.txt")), "u1\n");
}

}  // namespace
}  // namespace unfold::test
