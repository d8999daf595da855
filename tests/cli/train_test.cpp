// unfold train, evaluate, export, import and synth as a user runs them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Debian's own, which sees Debian's packages.
constexpr const char* kPython = "/usr/bin/python3";

class CliTrain : public CliTest {
 protected:
  void synth(const std::string& name) {
    unfold_ok({"synth", name, "--users", "300", "--items", "80", "--ratings", "8000", "--dim", "4", "--seed", "3"});
  }
  // Small and quick, with the rest of the arguments behind.
  std::vector<std::string> train(const std::string& data, const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"train", data, "--out", out, "--dim", "4", "--epochs", "3", "--threads", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_F(CliTrain, TrainsEvaluatesAndExportsASyntheticFile) {
  synth("ratings.csv");
  const std::string table = unfold_ok(train("ratings.csv", "m", {"--split", "random:0.2", "--at", "5,20"}));
  for (const char* text :
       {"model", "popularity", "rmse", "mae", "recall@5", "ndcg@20", "hit_rate@5", "map@20", "mrr"}) {
    EXPECT_THAT(table, HasSubstr(text));
  }
  for (const char* name :
       {"model.json", "tensors.safetensors", "user_ids.txt", "item_ids.txt", "history.jsonl", "config.toml"}) {
    EXPECT_TRUE(std::filesystem::exists(path("m") / name)) << name;
  }
  json model = read_json("m/model.json");
  EXPECT_EQ(model["training"]["outcome"], "finished");
  EXPECT_EQ(model["training"]["split"], "random:0.2");
  EXPECT_EQ(json_lines(read_file(path("m/history.jsonl"))).size(), 3u);

  json scores = json::parse(unfold_ok({"evaluate", "m", "--test", "ratings.csv", "--json", "--at", "7"}));
  EXPECT_GT(scores["rmse"], 0);
  EXPECT_TRUE(scores.contains("recall@7"));
  EXPECT_TRUE(scores["popularity"].contains("ndcg@7"));

  EXPECT_EQ(unfold_ok({"export", "m", "--format", "npy"}), "m-npy\n");
  EXPECT_THAT(read_file(path("m-npy/item_embedding.npy")).substr(0, 128), HasSubstr("(80, 4)"));
  for (const char* format : {"safetensors", "word2vec", "csv"}) {
    unfold_ok({"export", "m", "--format", format, "--out", std::string("e-") + format});
    EXPECT_FALSE(std::filesystem::is_empty(path(std::string("e-") + format)));
  }
}

TEST_F(CliTrain, NumpyOpensTheExport) {
  if (run_process({kPython, "-c", "import numpy"}).exit_code != 0) GTEST_SKIP() << "no numpy here";
  synth("ratings.csv");
  unfold_ok(train("ratings.csv", "m"));
  unfold_ok({"export", "m", "--out", "arrays"});
  const char* script =
      "import numpy\n"
      "items = numpy.load('arrays/item_embedding.npy')\n"
      "ids = open('arrays/item_ids.txt').read().split('\\n')[:-1]\n"
      "print(items.shape, items.dtype, len(ids) == len(items), numpy.load('arrays/user_bias.npy').shape)\n";
  EXPECT_EQ(run_process({kPython, "-c", script}, process_options()).out, "(80, 4) float32 True (300,)\n");
}

TEST_F(CliTrain, PrintsOneJsonObjectOnRequest) {
  synth("ratings.csv");
  json scores = json::parse(unfold_ok(train("ratings.csv", "m", {"--json", "--quiet"})));
  for (const char* key : {"rmse", "mae", "recall@10", "recall@20", "ndcg@20", "hit_rate@10", "popularity"}) {
    EXPECT_TRUE(scores.contains(key)) << key;
  }
}

TEST_F(CliTrain, QuietSaysNothingOnStderr) {
  write_ratings("ratings.csv");
  const ProcessResult result = unfold(train("ratings.csv", "m", {"--quiet", "--device", "cpu"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("rmse"));
}

TEST_F(CliTrain, PlainLinesTellOfEachEpochAndOfMemory) {
  write_ratings("ratings.csv");
  const ProcessResult result = unfold(train("ratings.csv", "m"));
  EXPECT_THAT(result.err, HasSubstr("epoch 3/3"));
  EXPECT_THAT(result.err, HasSubstr("user.embedding"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
  EXPECT_THAT(result.err, HasSubstr("unfold export m --format npy"));
}

TEST_F(CliTrain, LogHasALineAnEpochAndTheTestScores) {
  write_ratings("ratings.csv");
  unfold_ok(train("ratings.csv", "m", {"--log-json", "log.jsonl", "--validation", "random:0.1"}));
  const std::vector<json> lines = json_lines(read_file(path("log.jsonl")));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["epoch"], 1);
  EXPECT_TRUE(lines[2].contains("validation_rmse"));
  EXPECT_TRUE(lines[3]["test"].contains("rmse"));
}

TEST_F(CliTrain, SameSeedGivesTheSameScores) {
  synth("ratings.csv");
  const std::vector<std::string> options = {"--json", "--quiet", "--deterministic", "--device", "cpu"};
  const std::string first = unfold_ok(train("ratings.csv", "m1", options));
  EXPECT_EQ(unfold_ok(train("ratings.csv", "m2", options)), first);
  EXPECT_EQ(read_file(path("m1/tensors.safetensors")), read_file(path("m2/tensors.safetensors")));
}

TEST_F(CliTrain, CountsUnknownIdsOfATestFile) {
  write_ratings("ratings.csv");
  write_file(path("test.csv"), "user,item,rating\nu1,i2,3\nnobody,i2,4\nu1,nothing,4\nu5,nothing,2\n");
  const ProcessResult result = unfold(train("ratings.csv", "m", {"--test", "test.csv"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("4 ratings, 1 of unknown users, 2 of unknown items"));
  EXPECT_EQ(read_json("m/model.json")["training"]["split"], "none");
}

TEST_F(CliTrain, TrainsWithoutATestPart) {
  write_ratings("ratings.csv");
  EXPECT_EQ(unfold_ok(train("ratings.csv", "m", {"--split", "none"})), "");
  EXPECT_TRUE(std::filesystem::exists(path("m/model.json")));
}

TEST_F(CliTrain, ImportIsCachedByContent) {
  write_ratings("ratings.csv");
  const std::string first = unfold_ok({"import", "ratings.csv"});
  write_file(path("copy.csv"), read_file(path("ratings.csv")));
  EXPECT_EQ(unfold_ok({"import", "copy.csv"}), first);
  const ProcessResult result = unfold(train("copy.csv", "m"));
  EXPECT_THAT(result.err, HasSubstr("imported before"));
  EXPECT_THAT(result.err, Not(HasSubstr("ratings.csv")));
  EXPECT_THAT(listing(), ::testing::ElementsAre("copy.csv", "m", "ratings.csv"));
}

TEST_F(CliTrain, TrainsOnAnImportedDataSet) {
  write_ratings("ratings.csv");
  EXPECT_EQ(unfold_ok({"import", "ratings.csv", "--out", "data"}), "data\n");
  std::filesystem::remove(path("ratings.csv"));
  unfold_ok(train("data", "m"));
  unfold_ok(train("data", "m2", {"--no-cache"}));
}

TEST_F(CliTrain, WithoutCacheLeavesNothingElsewhere) {
  write_ratings("ratings.csv");
  unfold_ok(train("ratings.csv", "m", {"--no-cache", "--cache", "here"}));
  EXPECT_THAT(listing(), ::testing::ElementsAre("m", "ratings.csv"));
}

TEST_F(CliTrain, PairsWithoutRatingsAreScoredByRankingAlone) {
  std::string text;
  for (int i = 0; i < 900; ++i) text += fmt::format("u{} i{}\n", i % 30, i * 7 % 41);
  write_file(path("pairs.txt"), text);
  const ProcessResult result = unfold(train("pairs.txt", "m", {"--json"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  json scores = json::parse(result.out);
  EXPECT_FALSE(scores.contains("rmse"));
  EXPECT_TRUE(scores.contains("recall@10"));
  EXPECT_THAT(result.err, HasSubstr("constant"));
}

TEST_F(CliTrain, RanksAmongCandidates) {
  write_ratings("ratings.csv");
  unfold_ok(train("ratings.csv", "m", {"--split", "none"}));
  write_file(path("candidates.tsv"), "(u1,i2)\ti3\ti4\ti5\n(u2,i9)\ti3\ti4\ti5\n");
  json scores = json::parse(unfold_ok({"evaluate", "m", "--candidates", "candidates.tsv", "--json"}));
  EXPECT_EQ(scores["hit_rate@10"], 1);
}

TEST_F(CliTrain, SkipsBadLinesAndKeepsThemAside) {
  write_ratings("ratings.csv");
  write_file(path("bad.csv"), read_file(path("ratings.csv")) + "u1,i1\nu1,i2,many\n");
  const ProcessResult result = unfold(train("bad.csv", "m", {"--on-error", "skip", "--rejected", "rejected.txt"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 lines could not be read"));
  EXPECT_EQ(read_file(path("rejected.txt")), "u1,i1\nu1,i2,many\n");
}

TEST_F(CliTrain, OverwriteReplacesAFinishedModelByAFinishedOne) {
  write_ratings("ratings.csv");
  unfold_ok(train("ratings.csv", "m"));
  expect_error(train("ratings.csv", "m"), 2, "--overwrite");
  unfold_ok(train("ratings.csv", "m", {"--overwrite", "--seed", "9"}));
  EXPECT_EQ(read_json("m/model.json")["training"]["options"]["seed"], 9);
  EXPECT_THAT(listing(), ::testing::ElementsAre("m", "ratings.csv"));
}

TEST_F(CliTrain, SyntheticFileTellsThePlantedError) {
  json report = json::parse(unfold_ok({"synth", "s.csv", "--ratings", "20000", "--noise", "0.3", "--json"}));
  EXPECT_NEAR(report["best_rmse"], 0.3, 0.02);
  EXPECT_EQ(report["n_ratings"], 20000);
}

}  // namespace
}  // namespace unfold::test
