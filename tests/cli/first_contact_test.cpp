// What a first run says: which model to use, how training ended, on what it ran, and nothing when it is told to be
// quiet.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/cli_test.hpp"
#include "unfold/version.hpp"

namespace unfold::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CliFirstContact : public CliTest {
 protected:
  // Items of very different popularity; with groups, users who each keep to the items of one.
  void synth(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"synth",      name,  "--users",     "200", "--items",   "160",
                                          "--skew",     "1.1", "--dim",       "4",   "--ratings", "5000",
                                          "--bias-std", "0.5", "--user-skew", "0.2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    unfold_ok(arguments);
  }
  void synth_stars(const std::string& name) { synth(name, {}); }
  void synth_clicks(const std::string& name) { synth(name, {"--groups", "4", "--implicit"}); }
  ProcessResult train(const std::string& data, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"train", data, "--out", "m", "--dim", "8", "--threads", "2", "--overwrite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return unfold(arguments);
  }
};

TEST_F(CliFirstContact, ATableInWhichMfLosesNamesTheModelForLists) {
  synth_stars("stars.csv");
  const ProcessResult mf = train("stars.csv", {"--epochs", "4"});
  ASSERT_EQ(mf.exit_code, 0) << mf.err;
  EXPECT_THAT(mf.out, HasSubstr("popularity ranks better"));
  EXPECT_THAT(mf.out, HasSubstr("--model softmax"));
  EXPECT_THAT(unfold_ok({"evaluate", "m", "--test", "stars.csv", "--json"}), Not(HasSubstr("--model softmax")));
  const ProcessResult ratings_alone = train("stars.csv", {"--epochs", "4", "--no-ranking"});
  EXPECT_THAT(ratings_alone.out, Not(HasSubstr("--model softmax")));

  synth_clicks("clicks.csv");
  const ProcessResult softmax = train("clicks.csv", {"--model", "softmax", "--epochs", "30"});
  ASSERT_EQ(softmax.exit_code, 0) << softmax.err;
  EXPECT_THAT(softmax.out, Not(HasSubstr("popularity ranks better"))) << softmax.out;
}

TEST_F(CliFirstContact, ATableInWhichSoftmaxLosesDoesNotSendTheUserInACircle) {
  synth("clicks.csv", {"--implicit"});
  const ProcessResult result = train("clicks.csv", {"--model", "softmax", "--epochs", "1", "--learning-rate", "1e-9",
                                                    "--no-bias", "--validation", "none"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("popularity ranks better"));
  EXPECT_THAT(result.out, HasSubstr("docs/choosing.md"));
  EXPECT_THAT(result.out, Not(HasSubstr("--model softmax")));
}

TEST_F(CliFirstContact, EvaluateGivesTheSameAdvice) {
  synth_stars("stars.csv");
  synth("test.csv", {"--seed", "2"});
  ASSERT_EQ(train("stars.csv", {"--epochs", "2", "--split", "none"}).exit_code, 0);
  const std::string table = unfold_ok({"evaluate", "m", "--test", "test.csv"});
  EXPECT_THAT(table, HasSubstr("popularity ranks better"));
  EXPECT_THAT(table, HasSubstr("--model softmax"));
}

TEST_F(CliFirstContact, PairsWithMfAreMetByTheNameOfTheOtherModel) {
  synth_clicks("clicks.csv");
  EXPECT_THAT(train("clicks.csv", {"--epochs", "1", "--split", "none"}).err, HasSubstr("--model softmax"));
}

TEST_F(CliFirstContact, TheLastLinesSayWhyItEndedAndWhichEpochWasKept) {
  synth_clicks("clicks.csv");
  const ProcessResult early = train("clicks.csv", {"--model", "softmax", "--epochs", "60", "--patience", "2"});
  std::smatch found;
  const std::regex stopped(
      "stopped after epoch ([0-9]+) of 60: no better validation score in 2 epochs \\(--patience 2\\)\n"
      "kept epoch ([0-9]+), the best: validation recall@20 ([0-9.]+)  ndcg@20 ([0-9.]+)\n");
  ASSERT_TRUE(std::regex_search(early.err, found, stopped)) << early.err;
  EXPECT_EQ(std::stoi(found[1]), std::stoi(found[2]) + 2);
  const nlohmann::json model = read_json("m/model.json");
  EXPECT_EQ(model["training"]["best_epoch"], std::stoi(found[2]));
  EXPECT_THAT(early.err, HasSubstr("unfold recommend m --user "));

  const ProcessResult whole = train("clicks.csv", {"--model", "softmax", "--epochs", "3", "--validation", "none"});
  EXPECT_THAT(whole.err, HasSubstr("trained for all 3 epochs\nkept epoch 3, the last"));
}

TEST_F(CliFirstContact, TheLiveLineShowsTheValidationScores) {
  if (!has_terminals()) GTEST_SKIP() << "no pseudo-terminals here (/dev/pts is not mounted)";
  synth_clicks("clicks.csv");
  ProcessOptions options = process_options();
  options.terminal_columns = 100;
  options.environment["TERM"] = "xterm";
  const ProcessResult result = run_process(
      command_line({"train", "clicks.csv", "--out", "m", "--model", "softmax", "--epochs", "3", "--threads", "2"}),
      options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::regex live(
      "\repoch 3/3 100%  loss [0-9.]+  validation recall@20 [0-9.]+  ndcg@20 [0-9.]+ \\(best: epoch [12]\\)");
  EXPECT_TRUE(std::regex_search(result.err, live)) << result.err;
  EXPECT_THAT(result.err, HasSubstr("kept epoch "));
}

TEST_F(CliFirstContact, QuietMeansNothingOnStderr) {
  synth_clicks("clicks.csv");
  write_file(path("ids.txt"), "1\n2\n");
  const std::vector<std::vector<std::string>> commands = {
      {"train", "clicks.csv", "--out", "m", "--model", "softmax", "--epochs", "2", "--quiet"},
      {"train", "clicks.csv", "--out", "m2", "--epochs", "1", "--quiet"},
      {"evaluate", "m", "--test", "clicks.csv", "--quiet"},
      {"recommend", "m", "--user", "1", "--quiet"},
      {"recommend", "m", "--ids", "ids.txt", "-k", "3", "--quiet"},
      {"neighbors", "m", "--item", "1", "--quiet"},
      {"map", "m", "--out", "map.svg", "--quiet"},
      {"export", "m", "--out", "arrays", "--quiet"},
      {"verify", "m", "--quiet"},
      {"synth", "more.csv", "--quiet"},
      {"import", "more.csv", "--quiet"}};
  for (const std::vector<std::string>& command : commands) {
    const ProcessResult result = unfold(command);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err, "") << command[0];
  }
}

TEST_F(CliFirstContact, QuietLeavesWhatWasAskedFor) {
  synth_clicks("clicks.csv");
  ASSERT_EQ(train("clicks.csv", {"--epochs", "1", "--quiet"}).exit_code, 0);
  EXPECT_EQ(unfold_ok({"verify", "m", "--quiet"}), "");
  EXPECT_THAT(unfold_ok({"verify", "m", "--quiet", "--json"}), HasSubstr("\"n_files\": 6"));
  EXPECT_EQ(unfold_ok({"synth", "a.csv", "--quiet"}), "");
  EXPECT_THAT(unfold_ok({"synth", "b.csv", "--quiet", "--json"}), HasSubstr("\"n_ratings\": 100000"));
  EXPECT_EQ(unfold_ok({"export", "m", "--out", "arrays", "--quiet"}), "arrays\n");
  write_file(path("titles.tsv"), "item\ttitle\n1\tOne\n1\tUno\n");
  const std::vector<std::string> board = {"export", "m", "--format", "tensorboard", "--items", "titles.tsv", "--out"};
  EXPECT_THAT(unfold(with(board, {"board"})).err, HasSubstr("are not in titles.tsv and have no title\n"));
  EXPECT_EQ(unfold(with(board, {"quiet", "--quiet"})).err, "");
  for (const char* command : {"info", "help", "completion", "selfcheck"}) {
    expect_error({command, "--quiet"}, 2, "unknown option --quiet");
  }
}

TEST_F(CliFirstContact, TheDeviceIsNewsOnceAndOnlyWhereABuildCouldUseAnother) {
  synth_clicks("clicks.csv");
  const ProcessResult any = train("clicks.csv", {"--epochs", "1"});
  EXPECT_LE(count_of(any.err, "no GPU"), has_cuda_backend() ? 1u : 0u) << any.err;
  EXPECT_EQ(count_of(any.err, "this build is for the CPU alone"), has_cuda_backend() ? 0u : 1u) << any.err;
  const ProcessResult cpu = train("clicks.csv", {"--epochs", "1", "--device", "cpu"});
  EXPECT_EQ(count_of(cpu.err, "no GPU"), 0u) << cpu.err;
  EXPECT_THAT(any.err, Not(HasSubstr("cudaError"))) << "unfold info has the reason";
  // What takes a moment on any device says nothing of it.
  for (const std::vector<std::string>& command : {std::vector<std::string>{"evaluate", "m", "--test", "clicks.csv"},
                                                  {"recommend", "m", "--user", "1"},
                                                  {"neighbors", "m", "--item", "1"}}) {
    EXPECT_EQ(count_of(unfold(command).err, "no GPU"), 0u) << command[0];
  }
}

TEST_F(CliFirstContact, InnerProductsOfExportedVectorsGiveTheRecommendedList) {
  synth_stars("stars.csv");
  for (const char* model : {"mf", "softmax"}) {
    ASSERT_EQ(train("stars.csv", {"--model", model, "--epochs", "5", "--split", "none"}).exit_code, 0);
    // A k beyond what any user has left: a list is all there is, in order.
    const nlohmann::json list =
        nlohmann::json::parse(unfold_ok({"recommend", "m", "--user", "7", "-k", "1000", "--json"}));
    unfold_ok({"export", "m", "--format", "csv", "--append-bias", "--out", "rows", "--overwrite"});
    const auto rows = [this](const char* file) {
      std::map<std::string, std::vector<double>> vectors;
      std::istringstream lines(read_file(path("rows") / file));
      std::string line;
      for (std::getline(lines, line); std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string id, value;
        std::getline(fields, id, ',');
        while (std::getline(fields, value, ',')) vectors[id].push_back(std::stod(value));
      }
      return vectors;
    };
    const auto users = rows("users.csv"), items = rows("items.csv");
    ASSERT_EQ(users.at("7").size(), 9u);
    double last = 1e30;
    for (const nlohmann::json& entry : list["items"]) {
      const std::vector<double>& item = items.at(entry["item"].get<std::string>());
      double product = 0;
      for (std::size_t d = 0; d < 9; ++d) product += users.at("7")[d] * item[d];
      EXPECT_NEAR(product, entry["score"].get<double>(), 1e-5);
      EXPECT_LE(product, last + 1e-5);
      last = product;
    }
    EXPECT_GT(list["items"].size(), 10u);
  }
}

}  // namespace
}  // namespace unfold::test
