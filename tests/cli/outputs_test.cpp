// What exists is replaced only where the user said so, and what is read is never written: every command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CliOutputs : public CliTest {
 protected:
  void SetUp() override {
    write_ratings("r.csv", 400);
    write_file(path("titles.csv"), "item,title\ni1,One\n");
    write_file(path("users.txt"), "u1\n");
  }
  void train_model() { unfold_ok(train({})); }
  static std::vector<std::string> train(const std::vector<std::string>& more) {
    return with(train_command("r.csv", "m", {"--quiet", "--device", "cpu"}), more);
  }
  // Without --overwrite `output` stays as it is; with it, it is replaced.
  void expect_rule(const std::vector<std::string>& arguments, const std::string& output) {
    write_file(path(output), "mine");
    expect_error(arguments, 2, output + ": exists already");
    EXPECT_EQ(read_file(path(output)), "mine");
    unfold_ok(with(arguments, {"--overwrite"}));
    EXPECT_NE(read_file(path(output)), "mine");
  }
};

TEST_F(CliOutputs, FilesThatExistNeedOverwrite) {
  train_model();
  expect_rule({"map", "m", "--out", "map.svg"}, "map.svg");
  expect_rule({"recommend", "m", "--user", "u1", "--out", "list.tsv"}, "list.tsv");
  expect_rule({"recommend", "m", "--ids", "users.txt", "--out", "lists.json", "--json"}, "lists.json");
  expect_rule({"neighbors", "m", "--item", "i1", "--out", "near.tsv"}, "near.tsv");
  expect_rule({"synth", "s.csv", "--ratings", "50", "--users", "10", "--items", "10"}, "s.csv");
  fs::remove_all(path("m"));
  write_file(path("log.jsonl"), "mine");
  expect_error(train({"--log-json", "log.jsonl"}), 2, "log.jsonl: exists already");
  EXPECT_FALSE(fs::exists(path("m")));
  unfold_ok(train({"--log-json", "log.jsonl", "--overwrite"}));
  EXPECT_THAT(read_file(path("log.jsonl")), HasSubstr("\"epoch\""));
}

TEST_F(CliOutputs, EveryFileOfASyntheticDataSetNeedsIt) {
  const std::vector<std::string> synth = {"synth", "g.csv",     "--users", "10",       "--items",
                                          "10",    "--ratings", "20",      "--groups", "2"};
  for (const char* name : {"g.csv", "g.users.csv", "g.items.csv"}) {
    write_file(path(name), "mine");
    expect_error(synth, 2, name);
    EXPECT_EQ(read_file(path(name)), "mine");
    fs::remove(path(name));
  }
  unfold_ok(synth);
  expect_error({"synth", "h.csv", "--groups", "2", "--items-out", "h.users.csv"}, 2, "two tables");
}

TEST_F(CliOutputs, RejectedLinesNeedIt) {
  write_file(path("bad.csv"), read_file(path("r.csv")) + "u1,i1,x\n");
  train_model();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"import", "bad.csv", "--on-error", "skip", "--rejected", "lines.txt"},
        std::vector<std::string>{"evaluate", "m", "--test", "bad.csv", "--on-error", "skip", "--rejected",
                                 "lines.txt"}}) {
    expect_rule(arguments, "lines.txt");
    EXPECT_EQ(read_file(path("lines.txt")), "u1,i1,x\n");
    fs::remove(path("lines.txt"));
  }
}

TEST_F(CliOutputs, RejectedLinesOfTwoFilesOfARunAreBothKept) {
  write_file(path("a.csv"), read_file(path("r.csv")) + "TRAIN,i1,x\n");
  write_file(path("b.csv"), "user,item,rating\nu1,i1,3\nTEST,i1,x\n");
  unfold_ok({"train", "a.csv", "--test", "b.csv", "--out", "m", "--epochs", "1", "--dim", "2", "--on-error", "skip",
             "--rejected", "lines"});
  EXPECT_EQ(read_file(path("lines")), "TRAIN,i1,x\n");
  EXPECT_EQ(read_file(path("lines.2")), "TEST,i1,x\n");
}

TEST_F(CliOutputs, AnInputIsNeverAnOutput) {
  write_file(path("bad.csv"), read_file(path("r.csv")) + "u1,i1,x\n");
  write_file(path("c.toml"), "[train]\ndim = 2\n");
  train_model();
  fs::create_hard_link(path("users.txt"), path("same.txt"));
  unfold_ok({"import", "r.csv", "--out", "ds"});
  const auto files = [this] {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(work())) {
      if (entry.is_regular_file()) all.insert(entry.path().string() + "\n" + read_file(entry.path()));
    }
    return all;
  };
  const auto before = files();
  struct Case {
    std::vector<std::string> command;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"import", "bad.csv", "--on-error", "skip", "--rejected", "bad.csv"}, "bad.csv: is the DATA of this command"},
      {{"import", "r.csv", "--out", "r.csv"}, "r.csv: is the DATA of this command"},
      {{"train", "r.csv", "--out", "n", "--log-json", "r.csv"}, "r.csv: is the DATA of this command"},
      {{"train", "r.csv", "--out", "r.csv"}, "r.csv: is the DATA of this command"},
      {{"train", "ds", "--out", "ds"}, "ds: is the DATA of this command"},
      {{"train", "ds", "--out", "ds/m"}, "ds/m: lies in ds, the DATA of this command"},
      {{"train", "ds", "--out", "n", "--log-json", "ds/log"}, "ds/log: lies in ds, the DATA of this command"},
      {{"train", "r.csv", "--test", "bad.csv", "--out", "n", "--log-json", "bad.csv"}, "bad.csv: is the --test of"},
      {{"train", "r.csv", "--test", "bad.csv", "--out", "n", "--on-error", "skip", "--rejected", "bad.csv"},
       "bad.csv: is the --test of"},
      {{"train", "r.csv", "--validation", "bad.csv", "--out", "n", "--on-error", "skip", "--rejected", "bad.csv"},
       "bad.csv: is the --validation of"},
      {{"train", "r.csv", "--out", "n", "--log-json", "c.toml", "--config", "c.toml"}, "c.toml: is the --config of"},
      {{"train", "r.csv", "--out", "n", "--log-json", "n"}, "n: is asked to be both --out and --log-json"},
      {{"recommend", "m", "--ids", "users.txt", "--out", "users.txt"}, "users.txt: is the --ids of this command"},
      {{"recommend", "m", "--ids", "users.txt", "--out", "same.txt"}, "same.txt: is the --ids of this command"},
      {{"recommend", "m", "--user", "u1", "--items", "titles.csv", "--out", "titles.csv"}, "is the --items of"},
      {{"recommend", "m", "--user", "u1", "--out", "m/config.toml"}, "m/config.toml: lies in m, the MODEL of"},
      {{"neighbors", "m", "--item", "i1", "--out", "m/item_ids.txt"}, "m/item_ids.txt: lies in m, the MODEL of"},
      {{"export", "m", "--out", "m"}, "m: is the MODEL of this command"},
      {{"export", "m", "--out", "m/arrays"}, "m/arrays: lies in m, the MODEL of this command"},
      {{"map", "m", "--out", "m/model.json"}, "m/model.json: lies in m, the MODEL of this command"},
      {{"evaluate", "m", "--test", "bad.csv", "--on-error", "skip", "--rejected", "bad.csv"}, "is the --test of"},
  };
  for (const Case& c : cases) {
    expect_error(c.command, 2, c.message);
    expect_error(with(c.command, {"--overwrite"}), 2, c.message);
  }
  EXPECT_EQ(files(), before);
}

TEST_F(CliOutputs, AConfigurationFileIsNeverAnOutput) {
  train_model();
  const std::string text = "[recommend]\nk = 3\n";
  write_file(path("c.toml"), text);
  const std::vector<std::vector<std::string>> commands = {
      {"recommend", "m", "--user", "u1", "--out", "c.toml"}, {"map", "m", "--out", "c.toml"}, {"synth", "c.toml"}};
  for (const std::vector<std::string>& command : commands) {
    expect_error(with(command, {"--overwrite", "--config", "c.toml"}), 2, "is the --config of this command");
    EXPECT_EQ(read_file(path("c.toml")), text);
  }
}

TEST_F(CliOutputs, VerifyTellsOfDamage) {
  train_model();
  EXPECT_THAT(unfold_ok({"verify", "m"}), HasSubstr("m: model, 6 files"));
  EXPECT_THAT(unfold_ok({"verify", "m", "--json"}), HasSubstr("\"kind\": \"model\""));
  std::string ids = read_file(path("m/item_ids.txt"));
  std::swap(ids[0], ids[1]);
  write_file(path("m/item_ids.txt"), ids);
  expect_error({"verify", "m"}, 3, "m/item_ids.txt");
  expect_error({"recommend", "m", "--user", "u1"}, 3, "m/item_ids.txt");
  expect_error({"verify", "r.csv"}, 3, "r.csv");
}

TEST_F(CliOutputs, NoOutputLiesInTheFolderOfAnother) {
  write_ratings("ratings.csv");
  for (const char* log : {"m/history.jsonl", "m/log.json", "./m/../m/deep/log.json"}) {
    expect_error({"train", "ratings.csv", "--out", "m", "--epochs", "1", "--log-json", log, "--overwrite"}, 2,
                 "lies in the folder of --out");
  }
  EXPECT_FALSE(std::filesystem::exists(path("m")));
}

}  // namespace
}  // namespace unfold::test
