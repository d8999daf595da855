// A trained model survives what happens around it: streams, disks, signals, other runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class CliSurvival : public CliTest {
 protected:
  void SetUp() override { write_ratings("r.csv", 2000); }
  // Runs a line of shell in which $U is the program and $T a training that takes a moment.
  ProcessResult shell(const std::string& line) {
    ProcessOptions options = process_options();
    options.environment["U"] = program().string();
    options.environment["T"] = "train r.csv --epochs 3 --device cpu --threads 1";
    return run_process({"/bin/sh", "-c", line}, options);
  }
  std::vector<std::string> endless(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"train",    "r.csv",    "--out",     "m", "--dim",    "4",
                                          "--epochs", "10000000", "--threads", "1", "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command_line(arguments);
  }
};

TEST_F(CliSurvival, StderrThatIsClosedFullOrGone) {
  EXPECT_EQ(shell("$U $T --out closed 2>&-").exit_code, 0);
  if (fs::exists("/dev/full")) {
    EXPECT_EQ(shell("$U $T --out full 2>/dev/full").exit_code, 0);
  }
  shell("{ sleep 0.2; $U $T --out gone >/dev/null; } 2>&1 | true");
  for (const char* name : {"closed", "full", "gone"}) {
    if (name == std::string("full") && !fs::exists("/dev/full")) continue;
    unfold_ok({"verify", name});
  }
  EXPECT_EQ(shell("$U import nothing 2>&-").exit_code, 3);
  EXPECT_EQ(shell("$U train r.csv --out closed 2>&-").exit_code, 2);
}

TEST_F(CliSurvival, StdoutThatIsClosedFullOrGone) {
  const ProcessResult closed = shell("$U $T --out closed --log-json log --quiet >&-");
  EXPECT_EQ(closed.exit_code, 3);
  EXPECT_THAT(closed.err, HasSubstr("standard output cannot be written"));
  EXPECT_THAT(read_file(path("log")), Not(HasSubstr("popularity       ")));
  EXPECT_EQ(read_file(path("log")).front(), '{');
  if (fs::exists("/dev/full")) {
    EXPECT_EQ(shell("$U $T --out full --quiet >/dev/full").exit_code, 3);
  }
  shell("{ sleep 0.2; $U $T --out gone --quiet; } | true");
  for (const char* name : {"closed", "full", "gone"}) {
    if (name == std::string("full") && !fs::exists("/dev/full")) continue;
    unfold_ok({"verify", name});
    EXPECT_FALSE(read_json(std::string(name) + "/model.json")["scores"].is_null()) << name;
  }
}

// More than a pipe holds: the reader is gone while most is still to be written, and the end is that of a signal.
TEST_F(CliSurvival, AReaderThatTookWhatItNeedsIsNoError) {
  unfold_ok({"train", "r.csv", "--out", "m", "--epochs", "1", "--dim", "2", "--quiet"});
  std::string ids;
  for (int n = 0; n < 20000; ++n) ids += "u" + std::to_string(n % 97) + "\n";
  write_file(path("ids"), ids);
  const std::string lists = "$U recommend m --ids ids -k 20 --quiet --device cpu";
  for (const char* out : {"", " --out /dev/stdout"}) {
    const ProcessResult result = shell("{ " + lists + out + "; echo $? >code; } | head -1");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(read_file(path("code")), std::to_string(128 + SIGPIPE) + "\n");
  }
  EXPECT_EQ(shell(lists + " | wc -l").out.size() > 6, true) << "the lists do not fit into a pipe";
}

TEST_F(CliSurvival, AReaderOfATableThatGrowsIsToldApartToo) {
  // Of rows that come long after the reader has gone.
  const ProcessResult result = shell("{ $U selfcheck --quick --device cpu --op top_k; echo $? >code; } | head -1");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(read_file(path("code")), std::to_string(128 + SIGPIPE) + "\n");
}

TEST_F(CliSurvival, ALogThatCannotBeWrittenEndsAlone) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const ProcessResult result = shell("$U $T --out m --quiet --log-json /dev/full");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("--log-json /dev/full: cannot be written"));
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, ALogThatNobodyReadsIsNotWaitedFor) {
  ASSERT_EQ(shell("mkfifo pipe").exit_code, 0);
  expect_error({"train", "r.csv", "--out", "m", "--log-json", "pipe"}, 3, "a pipe that nobody reads");
  // One that is read is written.
  EXPECT_EQ(shell("cat pipe > copy & $U $T --out m --quiet --log-json pipe; wait").exit_code, 0);
  EXPECT_THAT(read_file(path("copy")), HasSubstr("\"epoch\":3"));
}

TEST_F(CliSurvival, ASecondHomeWhereTheDiskIsFull) {
  fs::create_directory(path("small"));
  if (shell("mount -t tmpfs -o size=64k tmpfs small").exit_code != 0) GTEST_SKIP() << "no right to mount a tmpfs";
  const ProcessResult result = shell("$U $T --out small/m --quiet");
  shell("umount small");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("the model is in "));
  EXPECT_THAT(result.out, HasSubstr("rmse"));
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, FilesThatMayNotGrowAreAnError) {
  // 16 KiB a file: no model of this dimension is written anywhere, and the end is a message, not SIGXFSZ.
  unfold_ok({"import", "r.csv"});
  const ProcessResult result = shell("ulimit -f 32; $U $T --out m --quiet");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("could be kept nowhere"));
  EXPECT_EQ(listing(), (std::vector<std::string>{"r.csv"}));
}

TEST_F(CliSurvival, ANameThatAnotherRunTook) {
  Process slow(endless(), process_options());
  ASSERT_TRUE(slow.wait_for_error_text("epoch 2/"));
  EXPECT_EQ(shell("$U $T --out m --quiet").exit_code, 0);
  slow.send_signal(SIGTERM);
  EXPECT_EQ(slow.wait().exit_code, 130);
  unfold_ok({"verify", "m"});
  unfold_ok({"verify", "m.partial"});
  // One that ends finds the name taken and takes the next.
  fs::remove_all(path("m"));
  ProcessOptions options = process_options();
  Process finishing(command_line({"train", "r.csv", "--out", "m", "--epochs", "4000", "--dim", "64", "--threads", "1",
                                  "--device", "cpu"}),
                    options);
  ASSERT_TRUE(finishing.wait_for_error_text("epoch 1/"));
  fs::create_directory(path("m"));
  const ProcessResult result = finishing.wait();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("m.2 instead"));
  unfold_ok({"verify", "m.2"});
  EXPECT_TRUE(fs::is_empty(path("m")));
}

TEST_F(CliSurvival, AModelThatAnotherRunReplacedGetsNoScores) {
  // Ranks 3000 users among 60000 items: a while, in which another run takes the name.
  unfold_ok({"synth", "wide.csv", "--users", "3000", "--items", "60000", "--ratings", "100000", "--skew", "0"});
  const std::vector<std::string> slow = {"train", "wide.csv",  "--out", "m",        "--epochs", "1",          "--dim",
                                         "64",    "--threads", "1",     "--device", "cpu",      "--overwrite"};
  Process process(command_line(slow), process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 1/1"));
  while (!fs::exists(path("m/model.json"))) {
    ASSERT_FALSE(process.wait_for_error_text("error", Process::Seconds(0.01)));
  }
  EXPECT_EQ(shell("$U $T --out m --overwrite --quiet").exit_code, 0);
  const std::string winner = read_file(path("m/model.json"));
  const ProcessResult loser = process.wait();
  EXPECT_EQ(loser.exit_code, 3);
  EXPECT_THAT(loser.err, HasSubstr("m: another run has replaced this model meanwhile; its scores are not written"));
  EXPECT_THAT(loser.err, Not(HasSubstr("the model is in m")));
  EXPECT_THAT(loser.err, Not(HasSubstr("The model is in m")));
  EXPECT_EQ(read_file(path("m/model.json")), winner);
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, APartialOfBeforeOrOfAnotherKindStays) {
  unfold_ok({"train", "r.csv", "--out", "m", "--epochs", "1", "--dim", "2", "--quiet"});
  fs::create_directory(path("m.partial"));
  write_file(path("m.partial/notes.txt"), "mine");
  Process process(endless({"--overwrite"}), process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
  process.send_signal(SIGINT);
  EXPECT_EQ(process.wait().exit_code, 130);
  EXPECT_EQ(read_file(path("m.partial/notes.txt")), "mine");
  unfold_ok({"verify", "m.partial.2"});
}

TEST_F(CliSurvival, ATerminalThatCloses) {
  Process process(endless(), process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
  // The shell sends it, and so does the kernel.
  process.send_signal(SIGHUP);
  process.send_signal(SIGHUP);
  EXPECT_EQ(process.wait().exit_code, 130);
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, SignalsThatWereIgnoredStayIgnored) {
  ProcessOptions options = process_options();
  std::string line = "trap '' INT HUP; exec";
  for (const std::string& word : endless()) line += " '" + word + "'";
  Process process({"/bin/sh", "-c", line}, options);
  ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
  process.send_signal(SIGINT);
  process.send_signal(SIGHUP);
  ASSERT_TRUE(process.wait_for_error_text("epoch 200/"));
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 130);
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, OneSignalThatComesTwiceIsOne) {
  Process process(endless(), process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
  process.send_signal(SIGTERM);
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 130);
  unfold_ok({"verify", "m"});
}

TEST_F(CliSurvival, TheModelIsThereBeforeItIsScored) {
  // Ranks 3000 users among 200000 items: a while.
  unfold_ok({"synth", "wide.csv", "--users", "3000", "--items", "200000", "--ratings", "300000", "--skew", "0"});
  Process process(command_line({"train", "wide.csv", "--out", "m", "--epochs", "1", "--dim", "64", "--threads", "1",
                                "--device", "cpu"}),
                  process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 1/1"));
  while (!fs::exists(path("m"))) ASSERT_FALSE(process.wait_for_error_text("error", Process::Seconds(0.01)));
  process.send_signal(SIGKILL);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL) << "too fast to be killed";
  unfold_ok({"verify", "m"});
  EXPECT_TRUE(read_json("m/model.json")["scores"].is_null());
}

}  // namespace
}  // namespace unfold::test
