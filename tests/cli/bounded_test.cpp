// Files that have no end, or whose numbers have no bound, are refused in words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>

#include "host/io/checksums.hpp"
#include "tests/support/cli_test.hpp"

namespace unfold::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CliBounded : public CliTest {
 protected:
  void SetUp() override {
    write_ratings("r.csv", 600);
    unfold_ok(train_command("r.csv", "m", {"--quiet"}));
  }
  void expect_refused(const std::vector<std::string>& arguments, int exit_code) {
    Process process(command_line(arguments), process_options());
    const ProcessResult result = process.wait(Process::Seconds(60));
    EXPECT_FALSE(result.timed_out) << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << ::testing::PrintToString(arguments) << result.err;
    EXPECT_THAT(result.err, HasSubstr("unfold: error: "));
  }
  // Makes `name` a pipe without a writer, or a device without an end.
  void make_endless(const std::string& name, bool is_device) {
    fs::remove(path(name));
    if (is_device) {
      fs::create_symlink("/dev/zero", path(name));
    } else {
      ASSERT_EQ(mkfifo(path(name).c_str(), 0600), 0);
    }
  }
  void edit_model(const std::string& key, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(read_file(path("m/model.json")));
    json[key] = value;
    write_file(path("m/model.json"), json.dump());
  }
};

TEST_F(CliBounded, PipesAndDevicesInPlaceOfFiles) {
  for (const bool is_device : {false, true}) {
    make_endless("endless", is_device);
    expect_refused({"train", "endless", "--out", "n"}, 3);
    expect_refused({"train", "r.csv", "--test", "endless", "--out", "n"}, 3);
    expect_refused({"train", "r.csv", "--out", "n", "--config", "endless"}, 2);
    expect_refused({"evaluate", "m", "--candidates", "endless"}, 3);
    expect_refused({"recommend", "m", "--ids", "endless"}, 3);
    expect_refused({"recommend", "m", "--user", "u1", "--items", "endless"}, 3);
    EXPECT_FALSE(fs::exists(path("n")));
  }
}

TEST_F(CliBounded, PipesAndDevicesInAModel) {
  for (const char* name : {"model.json", "tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors",
                           "history.jsonl", "config.toml"}) {
    const std::string file = std::string("m/") + name, good = read_file(path(file));
    for (const bool is_device : {false, true}) {
      make_endless(file, is_device);
      expect_refused({"export", "m", "--out", "x"}, 3);
      expect_refused({"verify", "m"}, 3);
    }
    fs::remove(path(file));
    write_file(path(file), good);
  }
  unfold_ok({"export", "m", "--out", "x"});
}

TEST_F(CliBounded, PipesInADataSet) {
  unfold_ok({"import", "r.csv", "--out", "ds"});
  for (const char* name : {"user.npy", "rating.npy", "item_ids.txt"}) {
    const std::string file = std::string("ds/") + name, good = read_file(path(file));
    make_endless(file, false);
    expect_refused({"train", "ds", "--out", "n"}, 3);
    fs::remove(path(file));
    write_file(path(file), good);
  }
}

TEST_F(CliBounded, JsonThatIsDeep) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const char* key : {"scores", "training", "architecture", "file_bytes"}) {
    const std::string good = read_file(path("m/model.json"));
    edit_model(key, "@");
    std::string text = read_file(path("m/model.json"));
    write_file(path("m/model.json"), text.replace(text.find("\"@\""), 3, deep));
    expect_refused({"evaluate", "m", "--test", "r.csv"}, 3);
    expect_refused({"train", "r.csv", "--out", "m", "--overwrite"}, 2);
    write_file(path("m/model.json"), good);
  }
  write_file(path("m/history.jsonl"), deep);
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(read_file(path("m/model.json")));
  const std::string changed[] = {"history.jsonl"};
  add_checksums(json, path("m"), changed);
  write_file(path("m/model.json"), json.dump());
  expect_refused({"export", "m", "--out", "x"}, 3);
  unfold_ok({"import", "r.csv", "--out", "ds"});
  write_file(path("ds/dataset.json"), deep);
  expect_refused({"train", "ds", "--out", "n"}, 3);
}

TEST_F(CliBounded, NumbersOfAModelThatCannotBe) {
  const std::string good = read_file(path("m/model.json"));
  for (const char* key : {"n_users", "n_items"}) {
    for (const auto& value : {nlohmann::ordered_json(0), nlohmann::ordered_json(4294967290u),
                              nlohmann::ordered_json(-1), nlohmann::ordered_json(1e300), nlohmann::ordered_json("8")}) {
      edit_model(key, value);
      for (const std::vector<std::string>& command : {std::vector<std::string>{"evaluate", "m", "--test", "r.csv"},
                                                      {"recommend", "m", "--user", "u1"},
                                                      {"neighbors", "m", "--item", "i1"},
                                                      {"export", "m", "--out", "x"},
                                                      {"map", "m", "--out", "x.svg"}}) {
        expect_refused(command, 3);
      }
    }
    write_file(path("m/model.json"), good);
  }
  // One of another kind is whole, and its tensors can be had.
  edit_model("kind", "of-tomorrow");
  expect_refused({"evaluate", "m", "--test", "r.csv"}, 3);
  expect_refused({"recommend", "m", "--user", "u1"}, 3);
  expect_refused({"neighbors", "m", "--item", "i1"}, 3);
  expect_refused({"map", "m", "--out", "x.svg"}, 3);
  unfold_ok({"verify", "m"});
  unfold_ok({"export", "m", "--format", "safetensors", "--out", "x"});
}

TEST_F(CliBounded, ThreadsAndK) {
  for (const char* n : {"257", "4294967295"}) {
    expect_refused({"train", "r.csv", "--out", "n", "--threads", n}, 2);
    expect_refused({"evaluate", "m", "--test", "r.csv", "--threads", n}, 2);
    expect_refused({"recommend", "m", "--user", "u1", "--threads", n}, 2);
    expect_refused({"neighbors", "m", "--item", "i1", "--threads", n}, 2);
    expect_refused({"selfcheck", "--quick", "--threads", n}, 2);
  }
  for (const char* k : {"0", "1025", "4294967295"}) {
    expect_refused({"recommend", "m", "--user", "u1", "-k", k}, 2);
    expect_refused({"neighbors", "m", "--item", "i1", "-k", k}, 2);
  }
  for (const char* k : {"0", "1000001", "4294967295"}) {
    expect_refused({"evaluate", "m", "--test", "r.csv", "--at", k}, 2);
    expect_refused({"train", "r.csv", "--out", "n", "--at", k}, 2);
  }
}

TEST_F(CliBounded, AColumnThatIsCutWhileItIsUsed) {
  unfold_ok({"synth", "big.csv", "--users", "500", "--items", "400", "--ratings", "60000"});
  for (const char* name : {"user.npy", "item.npy", "rating.npy"}) {
    fs::remove_all(path("ds"));
    unfold_ok({"import", "big.csv", "--out", "ds"});
    Process process(command_line({"train", "ds", "--out", "n", "--split", "none", "--epochs", "1000000", "--dim", "4",
                                  "--device", "cpu", "--threads", "2"}),
                    process_options());
    ASSERT_TRUE(process.wait_for_error_text("epoch 2/"));
    fs::resize_file(path(std::string("ds/") + name), 4096);
    const ProcessResult result = process.wait(Process::Seconds(60));
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr(std::string("ds/") + name + ": was cut short while it was in use"));
  }
}

}  // namespace
}  // namespace unfold::test
