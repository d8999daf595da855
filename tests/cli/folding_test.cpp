// Groups of items on the command line: unfold synth --items-out, and --items of train, evaluate and map.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class CliFolding : public CliTest {
 protected:
  // 4 groups, and a model that knows them apart as little as ratings let it.
  void train(const std::vector<std::string>& more = {}) {
    unfold_ok({"synth",         "set.csv", "--users",     "200",      "--items",      "80", "--ratings",    "2000",
               "--groups",      "4",       "--dim",       "2",        "--rating-min", "1",  "--rating-max", "5",
               "--rating-step", "1",       "--items-out", "items.tsv"});
    std::vector<std::string> arguments = {"train",   "set.csv",         "--out",      "model",   "--dim",
                                          "8",       "--split",         "random:0.2", "--items", "items.tsv",
                                          "--quiet", "--deterministic", "--overwrite"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    out_ = unfold_ok(arguments);
  }
  std::string out_;
};

TEST_F(CliFolding, TrainMeasuresItBesideTheScores) {
  train({"--at", "5,20", "--json"});
  const json scores = json::parse(out_);
  EXPECT_EQ(scores["n_folding_users"], 200);
  EXPECT_EQ(scores["n_items_without_group"], 0);
  EXPECT_NEAR(scores["folding_chance"], 60.0 / 72, 0.01);  // users have seen some 8 of 80 items
  for (const char* key : {"folding@5", "folding@20", "folding_pairwise"}) {
    EXPECT_GT(scores[key], 0) << key;
    EXPECT_LT(scores[key], 1) << key;
    EXPECT_TRUE(scores["popularity"].contains(key)) << key;
  }
  EXPECT_EQ(read_json("model/model.json")["scores"], scores);
  // The configuration takes the table along.
  EXPECT_EQ(json::parse(unfold_ok(
                {"train", "set.csv", "--out", "again", "--config", "model/config.toml", "--quiet", "--json"})),
            scores);
}

TEST_F(CliFolding, EvaluateShowsItBesideChance) {
  train();
  EXPECT_THAT(out_, HasSubstr("popularity       chance"));
  unfold_ok(
      {"synth", "test.csv", "--users", "200", "--items", "80", "--ratings", "900", "--groups", "4", "--seed", "2"});
  const std::string table = unfold_ok({"evaluate", "model", "--test", "test.csv", "--items", "items.tsv", "--quiet"});
  for (const char* text : {"folding@10 ", "folding@20 ", "folding_pairwise ", "folding: users 200 (0 skipped"}) {
    EXPECT_THAT(table, HasSubstr(text));
  }
  EXPECT_THAT(unfold_ok({"evaluate", "model", "--test", "test.csv", "--quiet"}), Not(HasSubstr("chance")));

  // Another column of another table: two items without a group, one of them not named at all.
  std::string shops = "item,title,shop\n";
  for (int item = 0; item < 79; ++item)
    shops += fmt::format("{},\"A, b\",{}\n", item, item == 3 ? "" : "xyz"[item % 3] + std::string());
  write_file(path("shops.csv"), shops);
  const json scores = json::parse(unfold_ok({"evaluate", "model", "--test", "test.csv", "--items", "shops.csv",
                                             "--group-column", "shop", "--quiet", "--json"}));
  EXPECT_EQ(scores["n_items_without_group"], 2);
  EXPECT_LT(scores["folding_chance"], 0.2);
  expect_error({"evaluate", "model", "--test", "test.csv", "--items", "shops.csv"}, 3, "there is no column \"group\"");
}

TEST_F(CliFolding, RefusesWhatCannotBeMeasured) {
  train();
  const auto evaluate = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"evaluate", "model"});
    return more;
  };
  write_file(path("lists"), "(0,0)\t1\n");
  expect_error(evaluate({"--test", "set.csv", "--items", "none.tsv"}), 3, "none.tsv");
  expect_error(evaluate({"--test", "set.csv", "--group-column", "shop"}), 2, "--items FILE");
  expect_error(evaluate({"--test", "set.csv", "--items", "items.tsv", "--no-ranking"}), 2, "--no-ranking");
  expect_error(evaluate({"--test", "set.csv", "--items", "items.tsv", "--at", "10,2000"}), 2, "at most 1024");
  expect_error(evaluate({"--candidates", "lists", "--items", "items.tsv"}), 2, "--test FILE");
  expect_error({"train", "set.csv", "--out", "other", "--split", "none", "--items", "items.tsv"}, 2, "--split");
  expect_error({"train", "set.csv", "--out", "other", "--items", "set.csv"}, 3, "there is no column \"group\"");
  EXPECT_FALSE(std::filesystem::exists(path("other")));
}

TEST_F(CliFolding, MapDrawsTheGroupsOfAModel) {
  train();
  EXPECT_EQ(unfold_ok({"map", "model", "--out", "map.svg", "--items", "items.tsv", "--users", "--quiet"}), "map.svg\n");
  const std::string map = read_file(path("map.svg"));
  for (int group = 0; group < 4; ++group) {
    // 20 items of 80 and an entry of the legend.
    EXPECT_EQ(count_of(map, fmt::format("<circle class=\"m{}\"", group)), 21u);
    EXPECT_EQ(count_of(map, fmt::format("<path class=\"m{}\"", group)), 50u);
  }
  EXPECT_THAT(map, HasSubstr(">Embeddings of model</text>"));
  unfold_ok({"map", "model", "--out", "plain.svg", "--title", "A & b", "--max-points", "30", "--quiet"});
  const std::string plain = read_file(path("plain.svg"));
  EXPECT_EQ(count_of(plain, "<circle class=\"none\""), 30u);
  EXPECT_EQ(count_of(plain, "<circle"), 30u);
  EXPECT_THAT(plain, HasSubstr("a random sample of 30 of 80 items"));
  EXPECT_THAT(plain, HasSubstr(">A &amp; b</text>"));
  expect_error({"map", "model", "--out", "none/map.svg"}, 3, "none");
  expect_error({"map", "model"}, 2, "--out");
  expect_error({"map", "set.csv", "--out", "other.svg"}, 3, "set.csv");
  EXPECT_FALSE(std::filesystem::exists(path("other.svg")));
}

TEST_F(CliFolding, TheRecipeMakesItsSets) {
  UNFOLD_REQUIRE_SOURCES(sources);
  const std::filesystem::path recipe = sources / "datasets" / "folding.sh";
  ProcessOptions options = process_options();
  options.environment["UNFOLD"] = program().string();
  const ProcessResult result = run_process({"bash", recipe.string(), "sets"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(count_of(read_file(path("sets/folding-10.csv")), "\n"), 15001u);
  EXPECT_EQ(count_of(read_file(path("sets/folding-50.csv")), "\n"), 18001u);
  EXPECT_EQ(count_of(read_file(path("sets/folding-10.tsv")), "\n"), 501u);
  EXPECT_EQ(count_of(read_file(path("sets/folding-50.tsv")), "\n"), 1501u);
}

}  // namespace
}  // namespace unfold::test
