// unfold train --model softmax as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class CliSoftmax : public CliTest {
 protected:
  // Clicks of four groups that never meet.
  void synth() {
    unfold_ok({"synth", "clicks.csv", "--items-out", "items.tsv", "--users", "200", "--items", "80", "--ratings",
               "2000", "--groups", "4", "--implicit", "--seed", "3"});
  }
};

TEST_F(CliSoftmax, TrainsOnClicksAndAnswersQueries) {
  synth();
  const json scores =
      json::parse(unfold_ok({"train", "clicks.csv", "--model", "softmax", "--out", "m", "--dim", "8", "--epochs", "40",
                             "--temperature", "0.3", "--items", "items.tsv", "--at", "3,20", "--json", "--quiet"}));
  EXPECT_FALSE(scores.contains("rmse")) << "its scores are no ratings";
  EXPECT_GT(scores.at("recall@20"), 2 * scores.at("popularity").at("recall@20").get<double>());
  // Some users have fewer unseen items of their group than lists of five need, now that validation items are masked.
  EXPECT_LT(scores.at("folding@3"), 0.05);
  const json model = read_json("m/model.json");
  EXPECT_EQ(model.at("kind"), "softmax");
  EXPECT_EQ(model.at("training").at("options").at("optimizer"), "adam") << "the model's own default";
  EXPECT_EQ(model.at("training").at("validation"), "random:0.1");
  EXPECT_THAT(read_file(path("m/config.toml")), HasSubstr("schedule = \"cosine\"\n"));
  EXPECT_THAT(read_file(path("m/history.jsonl")), HasSubstr("validation_ndcg@20"));
  EXPECT_THAT(unfold_ok({"evaluate", "m", "--test", "clicks.csv"}), Not(HasSubstr("rmse")));
  const json lists = json::parse(unfold_ok({"recommend", "m", "--user", "7", "-k", "3", "--exclude-seen", "--json"}));
  ASSERT_EQ(lists.at("items").size(), 3);
  EXPECT_GE(lists["items"][0].at("score"), lists["items"][2].at("score"));
}

TEST_F(CliSoftmax, ItsConfigurationRepeatsTheRun) {
  synth();
  unfold_ok(
      {"train", "clicks.csv", "--model", "softmax", "--out", "m", "--epochs", "3", "--negatives", "uniform+hard:2/16"});
  unfold_ok({"train", "clicks.csv", "--out", "again", "--config", "m/config.toml"});
  EXPECT_EQ(read_file(path("m/tensors.safetensors")), read_file(path("again/tensors.safetensors")));
}

TEST_F(CliSoftmax, FillsBatchesWithOneGroup) {
  synth();
  expect_error({"train", "clicks.csv", "--model", "softmax", "--out", "m", "--group-batches"}, 2, "--items");
  unfold_ok({"train", "clicks.csv", "--model", "softmax", "--out", "m", "--epochs", "2", "--group-batches", "--items",
             "items.tsv", "--batch-size", "64"});
  EXPECT_EQ(read_json("m/model.json").at("training").at("options").at("group-batches"), true);
}

TEST_F(CliSoftmax, KeepsWhatWasGivenWhereTheModelHasAnotherDefault) {
  synth();
  unfold_ok({"train", "clicks.csv", "--model", "softmax", "--out", "m", "--epochs", "2", "--dim", "128", "--optimizer",
             "sgd", "--validation", "none", "--patience", "0"});
  const json options = read_json("m/model.json").at("training").at("options");
  EXPECT_EQ(options.at("dim"), 128);
  EXPECT_EQ(options.at("optimizer"), "sgd");
  EXPECT_EQ(options.at("schedule"), "cosine");
  EXPECT_EQ(read_json("m/model.json").at("training").at("validation"), "none");
}

TEST_F(CliSoftmax, RefusesWhatItCannotDo) {
  synth();
  const std::vector<std::string> command = {"train", "clicks.csv", "--model", "softmax", "--out", "m"};
  const auto refused = [&](const std::vector<std::string>& more, const std::string& text) {
    expect_error(with(command, more), 2, text);
  };
  refused({"--negatives", "unifrom"}, "--negatives unifrom: \"unifrom\" is unknown");
  refused({"--negatives", "hard:9/8"}, "needs M/N with 1 <= M <= N <= 4096");
  refused({"--l2", "0.1"}, "does not feel an L2 penalty");
  refused({"--score-type", "float16"}, "--score-type float16: use float32 or bfloat16");
  refused({"--temperature=-1"}, "--temperature -1: use 0 or more");
  expect_error({"train", "clicks.csv", "--model", "sotfmax", "--out", "m"}, 2, "--model sotfmax: use mf");
  EXPECT_THAT(listing(), Not(::testing::Contains("m")));
}

}  // namespace
}  // namespace unfold::test
