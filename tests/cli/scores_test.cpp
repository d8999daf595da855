// What scores are measured on, and what is said where they are over nothing or over what the model knows.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <tuple>

#include "tests/support/cli_test.hpp"
#include "unfold/model.hpp"

namespace unfold::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class CliScores : public CliTest {
 protected:
  // Lines of `name` with their header, those of `part` alone or without them.
  void write_part(const std::string& to, const std::string& from, bool even) {
    std::istringstream in(read_file(path(from)));
    std::string text, line;
    std::getline(in, line);
    text = line + '\n';
    for (int n = 0; std::getline(in, line); ++n) {
      if ((n % 5 == 0) == even) text += line + '\n';
    }
    write_file(path(to), text);
  }
};

// Two users who have all but a few items in training: what is masked decides the ranks.
TEST_F(CliScores, TestScoresMaskValidationItemsInTrainAndEvaluateAlike) {
  write_ratings("ratings.csv");
  for (const char* model : {"mf", "softmax"}) {
    const std::string out = model;
    const json trained = json::parse(unfold_ok(train_command(
        "ratings.csv", out, {"--model", model, "--validation", "random:0.3", "--refit=false", "--json", "--quiet"})));
    const json parts = read_json(out + "/model.json").at("training").at("parts");
    EXPECT_GT(parts.at("n_validation"), 300);
    // The whole file as test part: all of it but the test part is masked, and said to be known.
    const ProcessResult result = unfold({"evaluate", out, "--test", "ratings.csv", "--json"});
    json again = json::parse(result.out);
    EXPECT_EQ(again.at("n_test_items"), parts.at("n_test"));
    EXPECT_EQ(again.at("n_test_in_training"), parts.at("n_train"));
    EXPECT_EQ(again.at("n_test_in_validation"), parts.at("n_validation"));
    for (const char* key : {"recall@10", "ndcg@20", "mrr", "n_users"}) EXPECT_EQ(again.at(key), trained.at(key)) << key;
    EXPECT_THAT(result.err, HasSubstr("are not new to the model"));
    EXPECT_THAT(result.err, HasSubstr("--exclude-seen"));

    const ProcessResult left =
        unfold({"evaluate", out, "--test", "ratings.csv", "--json", "--quiet", "--exclude-seen"});
    again = json::parse(left.out);
    EXPECT_THAT(left.err, Not(HasSubstr("are not new")));
    EXPECT_EQ(again.at("n_interactions"), parts.at("n_test"));
    if (out == "mf") {
      EXPECT_NEAR(again.at("rmse").get<double>(), trained.at("rmse").get<double>(), 1e-9);
    }
    EXPECT_EQ(again.at("ndcg@20"), trained.at("ndcg@20"));
  }
}

TEST_F(CliScores, ATableOverNothingHasDashesAndAReason) {
  write_ratings("ratings.csv");
  unfold_ok(train_command("ratings.csv", "m", {"--split", "none"}));
  write_file(path("others.csv"), "user,item,rating\nnobody,nothing,3\nsomebody,nothing,4\n");
  ProcessResult result = unfold({"evaluate", "m", "--test", "others.csv", "--quiet"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("ndcg@20                   -            -\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("0.0000")));
  EXPECT_THAT(result.err, HasSubstr("others.csv: nothing is left to rank"));
  EXPECT_THAT(result.err, HasSubstr("of 2 test interactions, 2 of users that the model does not know, 2 of items"));
  result = unfold({"evaluate", "m", "--test", "others.csv", "--quiet", "--json"});
  EXPECT_TRUE(json::parse(result.out).at("ndcg@20").is_null());

  result = unfold({"evaluate", "m", "--test", "ratings.csv"});
  EXPECT_THAT(result.out, HasSubstr("mrr                       -            -\n"));
  EXPECT_THAT(result.err, HasSubstr("3,000 of pairs that the model was trained on"));
  EXPECT_THAT(result.err, HasSubstr("3,000 of 3,000 test interactions (100%) are not new to the model"));
  result = unfold({"evaluate", "m", "--test", "ratings.csv", "--quiet", "--exclude-seen"});
  EXPECT_THAT(result.out, HasSubstr("rmse                      -            -\n"));
  EXPECT_THAT(result.err, HasSubstr("there are none"));

  result = unfold(train_command("ratings.csv", "m2", {"--test", "others.csv", "--quiet"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("ndcg@20                   -            -\n"));
  EXPECT_THAT(result.err, HasSubstr("nothing is left to rank"));
}

TEST_F(CliScores, RatingsOfIdsThatAreAllUnknownAreNoScores) {
  write_ratings("ratings.csv");
  unfold_ok(train_command("ratings.csv", "m", {"--split", "none"}));
  write_file(path("others.csv"), "user,item,rating\nnobody,nothing,3\nsomebody,nothing,4\n");
  const ProcessResult result = unfold({"evaluate", "m", "--test", "others.csv", "--no-ranking", "--json"});
  EXPECT_TRUE(json::parse(result.out).at("rmse").is_null());
  EXPECT_THAT(result.err, HasSubstr("others.csv: nothing is left to rate"));
}

TEST_F(CliScores, DislikesInATestFileAreNotRelevant) {
  write_ratings("ratings.csv");
  write_file(path("test.csv"), "user,item,rating\nu1,i50,1\nu1,i51,-1\nu2,i52,-1\n");
  std::string likes = "user,item,rating\n";
  for (int n = 0; n < 1000; ++n) likes += fmt::format("u{},i{},1\n", n % 37, n % 61);
  write_file(path("likes.csv"), likes);
  const ProcessResult trained = unfold(
      train_command("likes.csv", "m", {"--model", "softmax", "--test", "test.csv", "--validation", "none", "--json"}));
  EXPECT_THAT(trained.err, HasSubstr("2 of 3 ratings are 0 or below and not relevant"));
  EXPECT_LE(json::parse(trained.out).at("n_test_items"), 1);
  const ProcessResult result = unfold({"evaluate", "m", "--test", "test.csv", "--json"});
  EXPECT_THAT(result.err, HasSubstr("2 of 3 ratings are 0 or below and not relevant"));
  EXPECT_EQ(json::parse(result.out).at("n_test_items"), json::parse(trained.out).at("n_test_items"));
}

TEST_F(CliScores, AModelSavedWithoutListsOfPartsIsScoredAsBeforeAndItIsSaid) {
  write_ratings("ratings.csv");
  unfold_ok(train_command("ratings.csv", "m", {"--model", "softmax", "--validation", "random:0.3", "--refit=false"}));
  Model model = load_model(path("m"));
  EXPECT_TRUE(model.seen.knows_held_out());
  model.seen.validation = model.seen.test = {};
  save_model(model, path("old"), false);
  const ProcessResult result = unfold({"evaluate", "old", "--test", "ratings.csv", "--json"});
  EXPECT_THAT(result.err, HasSubstr("old was saved without the items that it held out"));
  const json parts = read_json("m/model.json").at("training").at("parts");
  EXPECT_EQ(json::parse(result.out).at("n_test_items"),
            parts.at("n_test").get<int>() + parts.at("n_validation").get<int>());
  EXPECT_THAT(unfold({"evaluate", "m", "--test", "ratings.csv"}).err, Not(HasSubstr("was saved without")));
}

TEST_F(CliScores, RecommendLeavesOutTheWholeFile) {
  write_ratings("ratings.csv");
  std::set<std::string> pairs;
  std::istringstream in(read_file(path("ratings.csv")));
  for (std::string line; std::getline(in, line);) pairs.insert(line.substr(0, line.rfind(',')));
  for (const std::string refit : {"--refit=true", "--refit=false"}) {
    unfold_ok(train_command("ratings.csv", "m", {"--model", "softmax", "--overwrite", refit}));
    write_file(path("users.txt"), "u1\nu2\nu3\nu4\nu5\n");
    std::istringstream lists(unfold_ok({"recommend", "m", "--ids", "users.txt", "-k", "100"}));
    int n_lines = 0;
    for (std::string user, rank, item, score; lists >> user >> rank >> item >> score; ++n_lines) {
      EXPECT_FALSE(pairs.contains(user + ',' + item)) << user << ' ' << item;
    }
    EXPECT_GT(n_lines, 20);
  }
}

TEST_F(CliScores, RefitTrainsOnValidationTooAndSaysSo) {
  write_ratings("ratings.csv");
  const ProcessResult result = unfold(
      train_command("ratings.csv", "m",
                    {"--model", "softmax", "--validation", "random:0.2", "--refit", "--log-json", "log", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json training = read_json("m/model.json").at("training");
  EXPECT_EQ(training.at("refitted"), true);
  const json parts = training.at("parts");
  EXPECT_EQ(parts.at("n_refit"), parts.at("n_train").get<int>() + parts.at("n_validation").get<int>());
  EXPECT_THAT(result.err, HasSubstr(fmt::format("validation chose epoch {}; training again",
                                                training.at("best_epoch").get<int>())));
  EXPECT_THAT(read_file(path("log")), HasSubstr("\"refit\":true"));
  const json scores = json::parse(result.out);
  const ProcessResult again = unfold({"evaluate", "m", "--test", "ratings.csv", "--json", "--quiet"});
  EXPECT_EQ(json::parse(again.out).at("ndcg@20"), scores.at("ndcg@20"));
  EXPECT_EQ(json::parse(again.out).at("n_test_in_training"), parts.at("n_refit"));
  expect_error(train_command("ratings.csv", "m3", {"--refit"}), 2, "name a validation part");
}

// Protocols that choose the epoch on the test part: it stays to be ranked, and is not trained on.
TEST_F(CliScores, ATestPartThatValidatesTooIsNotTrainedOn) {
  write_ratings("ratings.csv");
  write_part("train.csv", "ratings.csv", false);
  write_part("test.csv", "ratings.csv", true);
  const ProcessResult result = unfold(train_command(
      "train.csv", "m", {"--model", "softmax", "--test", "test.csv", "--validation", "test.csv", "--refit", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("600 pairs are in validation and in test"));
  EXPECT_EQ(read_json("m/model.json").at("training").at("refitted"), false);
  EXPECT_EQ(json::parse(result.out).at("n_test_items"), 600);
}

TEST_F(CliScores, AnImportedDataSetServesAsTestPart) {
  write_ratings("ratings.csv");
  write_part("train.csv", "ratings.csv", false);
  write_part("test.csv", "ratings.csv", true);
  unfold_ok({"import", "test.csv", "--out", "test"});
  const std::string from_file = unfold_ok(train_command("train.csv", "m", {"--test", "test.csv", "--json"}));
  const json from_folder = json::parse(unfold_ok({"evaluate", "m", "--test", "test", "--json"}));
  EXPECT_EQ(from_folder.at("mrr"), json::parse(from_file).at("mrr"));
  EXPECT_NEAR(from_folder.at("rmse").get<double>(), json::parse(from_file).at("rmse").get<double>(), 1e-9);
}

TEST_F(CliScores, DislikesAreNoPositivesAndItIsSaid) {
  std::string votes = "user,item,rating\n";
  for (int n = 0; n < 900; ++n) {
    const int user = n % 30, item = n * 7 % 41;
    votes += fmt::format("u{},i{},{}\n", user, item, user % 2 == item % 2 ? 1 : -1);
  }
  write_file(path("votes.csv"), votes);
  ProcessResult result = unfold(train_command("votes.csv", "m", {"--model", "softmax", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("ratings are 0 or below and no positives of model softmax"));
  EXPECT_EQ(read_json("m/model.json").at("training").at("positive_from"), 1);
  // The test part holds dislikes too: they are not relevant, here and when the model is scored again.
  const json scores = json::parse(result.out);
  EXPECT_LT(scores.at("n_test_items"), scores.at("n_interactions"));
  const json again = json::parse(unfold_ok({"evaluate", "m", "--test", "votes.csv", "--json", "--exclude-seen"}));
  EXPECT_EQ(again.at("n_test_items"), scores.at("n_test_items"));
  EXPECT_EQ(again.at("ndcg@10"), scores.at("ndcg@10"));

  write_ratings("stars.csv");
  result = unfold(train_command("stars.csv", "s", {"--model", "softmax"}));
  EXPECT_THAT(result.err, HasSubstr("all ratings, from"));
  EXPECT_THAT(result.err, HasSubstr("--positive-from X lets those below X say no"));
  result = unfold(train_command("stars.csv", "s4", {"--model", "softmax", "--positive-from", "4"}));
  EXPECT_THAT(result.err, HasSubstr("ratings are below 4 and no positives"));
  expect_error(train_command("stars.csv", "x", {"--model", "softmax", "--positive-from", "good"}), 2,
               "--positive-from good");
  expect_error(train_command("stars.csv", "x", {"--positive-from", "4"}), 2,
               "--positive-from belongs to model softmax");
}

TEST_F(CliScores, AValidationPartOverNothingChoosesNothingAndItIsSaid) {
  write_ratings("ratings.csv");
  write_file(path("others.csv"), "user,item,rating\nnobody,nothing,3\nsomebody,i1,4\n");
  write_file(path("strangers.csv"), "user,item,rating\nnobody,nothing,3\nsomebody,nobody,4\n");
  for (const auto& [model, file, why] :
       {std::tuple{"softmax", "others.csv", "of 2 ratings, 2 of users that training does not know, 1 of items"},
        {"softmax", "ratings.csv", "of 3000 ratings, 3000 of pairs that are in training"},
        {"mf", "strangers.csv", "of 2 ratings, 2 of users that training does not know, 2 of items"}}) {
    const std::vector<std::string> command =
        train_command("ratings.csv", "m", {"--model", model, "--split", "none", "--validation", file});
    const ProcessResult result = unfold(with(command, {"--overwrite"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("unfold: warning: the validation part has nothing that can be scored: "));
    EXPECT_THAT(result.err, HasSubstr(why));
    EXPECT_THAT(result.err, HasSubstr("kept epoch 3, the last; nothing of the validation part could be scored"));
    EXPECT_THAT(result.err, Not(HasSubstr("nan")));
    EXPECT_THAT(result.err, Not(HasSubstr("would choose the best")));
    std::filesystem::remove_all(path("m"));
    expect_error(with(command, {"--refit", "--quiet"}), 3, why);
    EXPECT_FALSE(std::filesystem::exists(path("m"))) << "it is refused before training";
  }
  expect_error(train_command("ratings.csv", "m", {"--refit", "--validation", ""}), 2, "name a validation part");
}

TEST_F(CliScores, DislikesInAValidationFileChooseNoEpoch) {
  std::string likes = "user,item,rating\n";
  for (int n = 0; n < 1000; ++n) likes += fmt::format("u{},i{},1\n", n % 37, n % 61);
  write_file(path("likes.csv"), likes);
  const auto command = [&](const std::string& validation) {
    return train_command(
        "likes.csv", "m",
        {"--model", "softmax", "--split", "none", "--overwrite", "--refit=false", "--validation", validation});
  };
  const auto history = [this] {
    std::vector<json> scores;
    std::istringstream lines(read_file(path("m/history.jsonl")));
    for (std::string line; std::getline(lines, line);) scores.push_back(json::parse(line).at("validation_ndcg@20"));
    return scores;
  };
  write_file(path("liked.csv"), "user,item,rating\nu1,i50,1\nu3,i7,1\n");
  write_file(path("both.csv"), "user,item,rating\nu1,i50,1\nu3,i7,1\nu1,i51,-1\nu2,i52,0\nu4,i9,-1\n");
  write_file(path("disliked.csv"), "user,item,rating\nu1,i51,-1\nu2,i52,0\n");
  unfold_ok(command("liked.csv"));
  const std::vector<json> expected = history();
  ASSERT_EQ(expected.size(), 3u);
  ProcessResult result = unfold(command("both.csv"));
  EXPECT_THAT(result.err, HasSubstr("validation part: 3 of 5 ratings are 0 or below and not relevant\n"));
  EXPECT_EQ(history(), expected);
  result = unfold(command("disliked.csv"));
  EXPECT_THAT(result.err, HasSubstr("nothing that can be scored: of 2 ratings, 2 too low to be positives"));
}

TEST_F(CliScores, WhatIsNotFiniteEndsARunWithItsExitCode) {
  write_ratings("ratings.csv");
  expect_error(train_command("ratings.csv", "m", {"--model", "softmax", "--learning-rate", "1e38"}), 5,
               "no model was written");
  std::string text = "user,item,rating\n";
  for (int n = 0; n < 300; ++n) text += fmt::format("u{},i{},{}e30\n", n % 20, n % 19, 1 + n % 4);
  write_file(path("huge.csv"), text);
  expect_error(train_command("huge.csv", "m", {}), 3, "too large to be computed with in float32");
  EXPECT_FALSE(std::filesystem::exists(path("m")));
}

TEST_F(CliScores, DeterministicSoftmaxHasEqualBitsForAnyThreads) {
  write_ratings("ratings.csv");
  for (const std::vector<std::string>& more : {std::vector<std::string>{},
                                               {"--learn-temperature", "--n-negatives", "33"},
                                               {"--own-negatives", "--n-negatives", "5"},
                                               {"--negatives", "uniform+mined:2/9", "--weight-rank", "3"}}) {
    std::set<std::string> tensors;
    for (const char* threads : {"1", "2", "3", "7"}) {
      const std::vector<std::string> arguments = {"train",   "ratings.csv", "--out", "m",         "--overwrite",
                                                  "--model", "softmax",     "--dim", "12",        "--epochs",
                                                  "2",       "--device",    "cpu",   "--threads", threads};
      unfold_ok(with(arguments, more));
      tensors.insert(read_file(path("m/tensors.safetensors")));
    }
    EXPECT_EQ(tensors.size(), 1u) << (more.empty() ? "defaults" : more[0]);
  }
}

}  // namespace
}  // namespace unfold::test
