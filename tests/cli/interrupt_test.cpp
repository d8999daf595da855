// Ctrl-C, SIGTERM and a loss that stops being finite.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CliInterrupt : public CliTest {
 protected:
  // A run that would take hours, seen through its first epoch.
  std::vector<std::string> endless(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"train",    "ratings.csv", "--out",     "m", "--dim",    "4",
                                          "--epochs", "10000000",    "--threads", "1", "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command_line(arguments);
  }
};

TEST_F(CliInterrupt, FirstSignalKeepsTheModelSoFar) {
  write_ratings("ratings.csv");
  for (const int signal : {SIGINT, SIGTERM}) {
    Process process(endless(), process_options());
    ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
    process.send_signal(signal);
    const ProcessResult result = process.wait();
    EXPECT_EQ(result.exit_code, 130) << result.err;
    EXPECT_THAT(result.err, HasSubstr("the model so far is in m"));
    EXPECT_EQ(read_json("m/model.json")["training"]["outcome"], "interrupted");
    unfold_ok({"evaluate", "m", "--test", "ratings.csv"});
    EXPECT_THAT(listing(), ElementsAre("m", "ratings.csv"));
    std::filesystem::remove_all(path("m"));
  }
}

TEST_F(CliInterrupt, AnUnfinishedModelStandsBesideAFinishedOne) {
  write_ratings("ratings.csv");
  unfold_ok({"train", "ratings.csv", "--out", "m", "--dim", "4", "--epochs", "1"});
  const std::string finished = read_file(path("m/model.json"));
  Process process(endless({"--overwrite"}), process_options());
  ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
  process.send_signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("m.partial"));
  EXPECT_EQ(read_file(path("m/model.json")), finished);
  EXPECT_EQ(read_json("m.partial/model.json")["training"]["outcome"], "interrupted");
}

TEST_F(CliInterrupt, SecondSignalQuits) {
  // One batch that takes long, so that the first signal is still being obeyed when the second comes.
  unfold_ok({"synth", "big.csv", "--users", "20000", "--items", "5000", "--ratings", "400000"});
  Process process(command_line({"train", "big.csv", "--out", "m", "--dim", "1024", "--epochs", "1000", "--threads", "1",
                                "--device", "cpu", "--batch-size", "400000"}),
                  process_options());
  ASSERT_TRUE(process.wait_for_error_text("training mf"));
  process.send_signal(SIGINT);
  ASSERT_TRUE(process.wait_for_error_text("press Ctrl-C again"));
  process.send_signal(SIGINT);
  const ProcessResult result = process.wait(Process::Seconds(60));
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_FALSE(result.timed_out);
}

TEST_F(CliInterrupt, DuringAnImportNothingIsLeftBehind) {
  // Long enough to be read for more than a second or two.
  std::string text;
  for (int i = 0; i < 8'000'000; ++i) text += fmt::format("u{},i{},3\n", i % 9973, i % 1009);
  write_file(path("big.csv"), text);
  Process process(command_line({"import", "big.csv", "--out", "data"}), process_options());
  ASSERT_TRUE(process.wait_for_error_text("reading big.csv"));
  process.send_signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(listing(), ElementsAre("big.csv"));
}

TEST_F(CliInterrupt, DivergenceEndsWithItsOwnExitCode) {
  write_ratings("ratings.csv");
  expect_error({"train", "ratings.csv", "--out", "m", "--optimizer", "sgd", "--learning-rate", "1e6", "--quiet"}, 5,
               "epoch 1");
  EXPECT_THAT(listing(), ElementsAre("ratings.csv"));
}

TEST_F(CliInterrupt, DivergenceKeepsTheLastGoodModel) {
  write_ratings("ratings.csv");
  // The learning rate grows until the loss is lost, after epochs that were good.
  expect_error({"train", "ratings.csv", "--out", "m", "--optimizer", "sgd", "--schedule", "one-cycle", "--warmup",
                "0.9", "--learning-rate", "5", "--epochs", "40", "--threads", "1", "--device", "cpu", "--quiet"},
               5, "is in m");
  EXPECT_EQ(read_json("m/model.json")["training"]["outcome"], "diverged");
  unfold_ok({"evaluate", "m", "--test", "ratings.csv"});
}

}  // namespace
}  // namespace unfold::test
