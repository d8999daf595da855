// Configuration files: what is read, what is refused, and the round trip through a model.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cli_test.hpp"
#include "unfold/model_family.hpp"

namespace unfold::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CliConfig : public CliTest {
 protected:
  // Trains with a configuration file of this text.
  void expect_config_error(const std::string& text, const std::string& message) {
    write_file(path("c.toml"), text);
    expect_error({"train", "ratings.csv", "--out", "m", "--config", "c.toml"}, 2, message);
  }
};

TEST_F(CliConfig, ResolvedConfigurationGivesTheSameOptionsBack) {
  write_ratings("my ratings, #1.csv");
  write_ratings("hold \"out\".csv", 40);
  unfold_ok({"train",
             "my ratings, #1.csv",
             "--out",
             "m",
             "--dim",
             "5",
             "--epochs",
             "2",
             "--learning-rate",
             "0.0123",
             "--l2-bias",
             "-1",
             "--no-bias",
             "--table-type",
             "bfloat16",
             "--at",
             "3,7,11",
             "--relevant-rating",
             "-2.5",
             "--test",
             "hold \"out\".csv",
             "--validation",
             "random:0.25",
             "--rating-range",
             "0:5.5",
             "--columns",
             "user=user,item=item,rating=rating"});
  const std::string config = read_file(path("m/config.toml"));
  for (const char* line :
       {"dim = 5\n", "learning-rate = 0.0123\n", "no-bias = true\n", "table-type = \"bfloat16\"\n", "at = [3, 7, 11]\n",
        "relevant-rating = -2.5\n", "test = \"hold \\\"out\\\".csv\"\n", "split = \"none\"\n",
        "columns = \"user=user,item=item,rating=rating\"\n", "deterministic = false\n"}) {
    EXPECT_THAT(config, HasSubstr(line));
  }
  unfold_ok({"train", "my ratings, #1.csv", "--out", "m2", "--config", "m/config.toml"});
  EXPECT_EQ(read_file(path("m2/config.toml")), config);
  EXPECT_EQ(read_json("m2/model.json")["training"]["options"], read_json("m/model.json")["training"]["options"]);
}

TEST_F(CliConfig, EmptyStringsAndTheCommandLineGoBeforeDefaultsAndTheFile) {
  write_ratings("ratings.csv");
  write_file(path("c.toml"),
             "# a comment\n\n[train]\nvalidation = ''  # none\ndim = 3\nat = [\n  4, # four\n  5,\n]\nepochs = 1_0\n"
             "train.unused = 1\n");
  expect_error({"train", "ratings.csv", "--out", "m", "--config", "c.toml"}, 2, "train.train");
  write_file(path("c.toml"),
             "[train]\nvalidation = ''  # none\ndim = 3\nat = [\n  4, # four\n  5,\n]\nepochs = 1_0\n"
             "[evaluate]\nat = [9]\n");
  unfold_ok({"train", "ratings.csv", "--out", "m", "--config", "c.toml", "--epochs", "2"});
  const std::string config = read_file(path("m/config.toml"));
  EXPECT_THAT(config, HasSubstr("validation = \"\"\n"));
  EXPECT_THAT(config, HasSubstr("dim = 3\n"));
  EXPECT_THAT(config, HasSubstr("epochs = 2\n"));
  EXPECT_THAT(config, HasSubstr("at = [4, 5]\n"));
  EXPECT_THAT(unfold_ok({"evaluate", "m", "--test", "ratings.csv", "--config", "c.toml"}), HasSubstr("recall@9"));
}

TEST_F(CliConfig, LeavesOutWhereTheRunWrote) {
  write_ratings("ratings.csv");
  unfold_ok({"train", "ratings.csv", "--out", "m", "--epochs", "1", "--overwrite", "--log-json", "log.jsonl"});
  const std::string config = read_file(path("m/config.toml"));
  for (const char* key : {"out", "overwrite", "log-json", "DATA", "quiet"}) {
    EXPECT_THAT(config, Not(HasSubstr(fmt::format("\n{} =", key))));
  }
}

TEST_F(CliConfig, RefusesWhatItDoesNotKnow) {
  write_ratings("ratings.csv");
  expect_config_error("[train]\ndim = 4\nepoch = 3\n",
                      "c.toml:3: unknown key \"epoch\" in [train]; did you mean epochs?");
  expect_config_error("[trian]\ndim = 4\n", "c.toml:1: unknown table [trian]; did you mean train?");
  expect_config_error("dim = 4\n", "c.toml:1: key \"dim\" stands before the first table");
  expect_config_error("[train]\nhelp = true\n", "unknown key \"help\"");
  expect_config_error("[train]\ndim = 4\ndim = 5\n", "c.toml:3: key \"dim\" appears twice");
}

TEST_F(CliConfig, HoldsTheOptionsOfItsModelAlone) {
  write_ratings("ratings.csv");
  unfold_ok({"train", "ratings.csv", "--out", "s", "--model", "softmax", "--epochs", "1", "--n-negatives", "8"});
  unfold_ok({"train", "ratings.csv", "--out", "m", "--epochs", "1"});
  const std::string softmax = read_file(path("s/config.toml")), mf = read_file(path("m/config.toml"));
  EXPECT_THAT(softmax, HasSubstr("\nn-negatives = 8\n"));
  EXPECT_THAT(mf, HasSubstr("\nrating-range = \"\"\n"));
  for (const char* key : {"rating-range", "l2-bias", "deterministic"}) EXPECT_THAT(softmax, Not(HasSubstr(key)));
  for (const char* key : {"n-negatives", "temperature", "score"}) EXPECT_THAT(mf, Not(HasSubstr(key)));
  EXPECT_FALSE(read_json("m/model.json")["training"]["options"].contains("temperature"));
  EXPECT_FALSE(read_json("s/model.json")["training"]["options"].contains("deterministic"));
  // The file says which model's options there are.
  unfold_ok({"train", "ratings.csv", "--out", "again", "--config", "s/config.toml"});
  EXPECT_EQ(read_file(path("again/config.toml")), softmax);
}

TEST_F(CliConfig, AnOptionOfAnotherModelIsRefusedWithItsOwner) {
  write_ratings("ratings.csv");
  const auto train = [this](std::vector<std::string> more, const std::string& message) {
    std::vector<std::string> words = {"train", "ratings.csv", "--out", "m"};
    words.insert(words.end(), more.begin(), more.end());
    expect_error(words, 2, message);
  };
  train({"--model", "mf", "--negatives", "unifrom", "--temperature=-7", "--learn-temperature"},
        "--negatives belongs to model softmax, and this run is of model mf");
  train({"--learn-temperature"}, "--learn-temperature belongs to model softmax");
  train({"--model=softmax", "--deterministic"},
        "--deterministic belongs to model mf, and this run is of model softmax");
  const std::string models = Allowed{.words = family_names()}.to_string();
  train({"--model", "sofmax", "--temperature", "1"},
        fmt::format("--model sofmax: use {}; did you mean softmax?", models));
  train({"--temperatur", "1"}, "did you mean --temperature, of another model than mf?");
  expect_config_error("[train]\ndim = 4\ntemperature = 1\n", "c.toml:3: --temperature belongs to model softmax");
  expect_config_error("[train]\nmodel = \"softmax\"\nrating-range = \"\"\n",
                      "c.toml:3: --rating-range belongs to model mf, and this run is of model softmax");
  expect_config_error("[train]\ntemperature = 1\nmodel = \"sofmax\"\n", "c.toml:3: --model sofmax: use " + models);
}

TEST_F(CliConfig, ADottedKeyNamesTheModelToo) {
  write_ratings("ratings.csv");
  write_file(path("c.toml"), "train.model = \"softmax\"\ntrain.epochs = 1\ntrain.n-negatives = 8\n");
  unfold_ok({"train", "ratings.csv", "--out", "m", "--config", "c.toml"});
  EXPECT_EQ(read_json("m/model.json")["kind"], "softmax");
}

TEST_F(CliConfig, OtherCommandsReadTheTableOfAnyModel) {
  write_file(path("c.toml"), "\xEF\xBB\xBF[train]\nloss = \"bpr\"\nrating-range = \"1:5\"\n");
  unfold_ok({"info", "--config", "c.toml"});
  write_file(path("c.toml"), "[train]\nlos = \"bpr\"\n");
  expect_error({"info", "--config", "c.toml"}, 2, "c.toml:2: unknown key \"los\"");
}

// Written when a configuration held the options of every family, of which a model used its own.
TEST_F(CliConfig, ReadsFilesWithTheOptionsOfEveryFamily) {
  write_ratings("ratings.csv");
  const std::string shared =
      "epochs = 1\nl2-bias = -1\nrating-range = \"\"\ndeterministic = true\ntemperature = 0.5\nnegatives = "
      "\"uniform\"\nn-negatives = 8\n";
  write_file(path("mf.toml"), "[train]\nmodel = \"mf\"\n" + shared);
  write_file(path("softmax.toml"), "[train]\nmodel = \"softmax\"\n" + shared);
  unfold_ok({"train", "ratings.csv", "--out", "m", "--config", "mf.toml"});
  unfold_ok({"train", "ratings.csv", "--out", "s", "--config", "softmax.toml"});
  EXPECT_THAT(read_file(path("m/config.toml")), HasSubstr("\ndeterministic = true\n"));
  EXPECT_THAT(read_file(path("s/config.toml")), HasSubstr("\ntemperature = 0.5\n"));
  EXPECT_THAT(read_file(path("s/config.toml")), Not(HasSubstr("deterministic")));
}

TEST_F(CliConfig, RefusesWhatIsNotToml) {
  write_ratings("ratings.csv");
  expect_config_error("[train]\noptimizer = adam\n", "a string needs quotes");
  expect_config_error("[train]\noptimizer = \"adam\n", "c.toml:2: a string does not end on its line");
  expect_config_error("[train]\ndim 4\n", "c.toml:2: expected '=' after the key");
  expect_config_error("[train\n", "c.toml:1: expected ']'");
  expect_config_error("[train]\ndim = 4 5\n", "unexpected '5'");
  expect_config_error("[train]\ndim =\n", "expected a value");
  expect_config_error("[train]\nat = [1, 2\n", "c.toml:");
  expect_config_error("[train]\nat = []\n", "empty array");
  expect_config_error("[train]\ndim = \"many\"\n", "c.toml:2: --dim many: use a whole number, 1 to 1024");
  expect_error({"train", "ratings.csv", "--out", "m", "--config", "absent.toml"}, 2, "absent.toml");
}

}  // namespace
}  // namespace unfold::test
