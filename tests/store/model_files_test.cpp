// The list of files in model.json is what a model is: nothing else is read, kept or replaced.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/small_model.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using test::TempDirectory;

// A model of a family of tomorrow: no users' table, tensors of any shape, files of its own.
Model encoder() {
  Model model = test::small_model();
  model.kind = "encoder";
  model.architecture = {{"layers", {4, 2, 4}}};
  model.tensors = {};
  model.tensors["encoder.0.weight"] = {{2, 2, 1}, {1, -0.0f, 1e-45f, 4}};
  model.tensors["temperature"] = {{}, {0.5f}};
  model.tensors["empty"] = {{0, 3}, {}};
  model.tensors["a.last"] = {{1}, {7}};
  model.files = {{"vocab/genre.txt", "drama\ncrime\n"}, {"vocab/deep/er/hour.txt", "23\n"}, {"state.safetensors", "x"}};
  return model;
}

class ModelFiles : public testing::Test {
 protected:
  void SetUp() override { save_model(encoder(), path(), false); }
  fs::path path() const { return folder_ / "m"; }

  std::string message_of_load() const {
    try {
      load_model(path());
    } catch (const DataError& error) {
      return error.what();
    }
    return "(loaded)";
  }
  void expect_refused(const std::string& words) const {
    const std::string message = message_of_load();
    EXPECT_NE(message.find(words), std::string::npos) << message;
    EXPECT_NE(message.find(path().string()), std::string::npos) << message;
  }
  void edit(const std::function<void(Json&)>& change) const {
    Json json = Json::parse(test::read_file(path() / "model.json"));
    change(json);
    test::write_file(path() / "model.json", json.dump());
  }
  // Puts a name into the list, with what is there.
  void list(const std::string& name) const {
    edit([&](Json& json) {
      json["file_bytes"][name] = 5;
      json["file_xxh3_128"][name] = "0";
    });
  }

  TempDirectory folder_;
};

TEST_F(ModelFiles, AnyTensorsAndFilesComeBack) {
  const Model saved = encoder(), loaded = load_model(path());
  EXPECT_EQ(loaded.kind, "encoder");
  EXPECT_EQ(loaded.architecture, saved.architecture);
  EXPECT_FALSE(predicts_ratings(loaded));
  EXPECT_FALSE(rating_range(loaded).has_value());
  EXPECT_EQ(loaded.tensors, saved.tensors);
  EXPECT_EQ(loaded.tensors.begin()->name, "encoder.0.weight");
  EXPECT_EQ(loaded.files, saved.files);
  EXPECT_EQ(test::read_file(path() / "vocab/deep/er/hour.txt"), "23\n");
  save_model(loaded, folder_ / "again", false);
  EXPECT_EQ(test::read_file(folder_ / "again/model.json"), test::read_file(path() / "model.json"));
  EXPECT_EQ(test::read_file(folder_ / "again/tensors.safetensors"), test::read_file(path() / "tensors.safetensors"));
}

TEST_F(ModelFiles, EveryFileOfTheListIsCompared) {
  for (const char* name : {"vocab/genre.txt", "vocab/deep/er/hour.txt", "state.safetensors"}) {
    const std::string good = test::read_file(path() / name);
    fs::remove(path() / name);
    expect_refused(name);
    test::write_file(path() / name, good + "x");
    expect_refused(name);
    test::write_file(path() / name, "");
    expect_refused(name);
    std::string changed = good;
    changed[0] = static_cast<char>(changed[0] ^ 1);
    test::write_file(path() / name, changed);
    expect_refused("its checksum differs");
    test::write_file(path() / name, good);
  }
  load_model(path());
}

TEST_F(ModelFiles, NamesStayInsideTheDirectory) {
  const std::string good = test::read_file(path() / "model.json");
  test::write_file(folder_ / "other", "other");
  for (const std::string name :
       {"../other", "vocab/../../other", "/etc/hostname", "", "vocab//genre.txt", "./vocab", "vocab/", "vocab/."}) {
    list(name);
    expect_refused("its list of files names \"" + name + "\"; a name is a path inside the folder");
    EXPECT_THROW(check_model_target(path(), true), UsageError) << name;
    test::write_file(path() / "model.json", good);
  }
  list("model.json");
  expect_refused("which is the list itself");
  test::write_file(path() / "model.json", good);
  list("vocab");
  expect_refused("is not a regular file but a folder");
  test::write_file(path() / "model.json", good);
  list("Config.toml");
  expect_refused("Config.toml: cannot open the file");
}

TEST_F(ModelFiles, TheListIsWholeAndSaysNothingTwice) {
  const std::string good = test::read_file(path() / "model.json");
  const auto expect = [&](const std::function<void(Json&)>& change, const char* words) {
    edit(change);
    expect_refused(words);
    test::write_file(path() / "model.json", good);
  };
  expect([](Json& json) { json.erase("file_bytes"); }, "\"file_bytes\", which lists its files, is missing");
  expect([](Json& json) { json.erase("file_xxh3_128"); }, "\"file_xxh3_128\", which lists its files, is missing");
  expect([](Json& json) { json["file_xxh3_128"].erase("state.safetensors"); }, "lacks \"state.safetensors\"");
  expect([](Json& json) { json["file_bytes"].erase("vocab/genre.txt"); }, "lacks \"vocab/genre.txt\"");
  for (const char* name : {"tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors"}) {
    edit([&](Json& json) {
      json["file_bytes"].erase(name);
      json["file_xxh3_128"].erase(name);
    });
    expect_refused(std::string("its list of files lacks \"") + name + "\", which every model has");
    test::write_file(path() / "model.json", good);
  }
  std::string twice = good;
  const std::string entry = "\"state.safetensors\": 1";
  twice.replace(twice.find(entry), entry.size(), entry + ", " + entry);
  test::write_file(path() / "model.json", twice);
  expect_refused("has the key \"state.safetensors\" twice");
}

TEST_F(ModelFiles, RecordsMayBeAbsent) {
  Model model = encoder();
  model.history.clear();
  model.config.clear();
  model.files.clear();
  save_model(model, folder_ / "bare", false);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "bare"), fs::directory_iterator()), 5);
  const Model loaded = load_model(folder_ / "bare");
  EXPECT_TRUE(loaded.history.empty());
  EXPECT_TRUE(loaded.config.empty());
}

TEST_F(ModelFiles, AModelMayKnowNoUsers) {
  Model model = encoder();
  model.user_ids = IdMap();
  model.seen = SeenItems::from_ratings({}, 0, model.item_ids.size());
  save_model(model, folder_ / "items", false);
  const Model loaded = load_model(folder_ / "items");
  EXPECT_EQ(loaded.user_ids.size(), 0u);
  EXPECT_EQ(loaded.seen.n_users(), 0u);
  EXPECT_EQ(loaded.item_ids.size(), 4u);
}

TEST_F(ModelFiles, OnlyTheListIsReplaced) {
  check_model_target(path(), true);
  // In a folder of the model's, in one beside it, and as a folder without a file.
  for (const char* name : {"vocab/mine.txt", "vocab/deep/mine.txt", "notes/mine.txt"}) {
    fs::create_directories((path() / name).parent_path());
    test::write_file(path() / name, "mine");
    try {
      save_model(test::small_model(), path(), true);
      ADD_FAILURE() << name;
    } catch (const UsageError& error) {
      const std::string message = error.what();
      const bool is_named = message.find("it holds \"" + std::string(name)) != std::string::npos ||
                            message.find("it holds \"notes\"") != std::string::npos;
      EXPECT_TRUE(is_named) << message;
    }
    EXPECT_EQ(test::read_file(path() / name), "mine");
    fs::remove(path() / name);
  }
  EXPECT_THROW(save_model(test::small_model(), path(), true), UsageError) << "an empty folder is the user's";
  fs::remove(path() / "notes");
  // A link to a folder is none of its folders.
  fs::create_directory(folder_ / "elsewhere");
  fs::rename(path() / "vocab", folder_ / "elsewhere/vocab");
  fs::create_directory_symlink(folder_ / "elsewhere/vocab", path() / "vocab");
  EXPECT_THROW(save_model(test::small_model(), path(), true), UsageError);
  fs::remove(path() / "vocab");
  fs::rename(folder_ / "elsewhere/vocab", path() / "vocab");
  save_model(test::small_model(), path(), true);
  EXPECT_FALSE(fs::exists(path() / "vocab"));
  EXPECT_EQ(load_model(path()).kind, "mf");
}

TEST_F(ModelFiles, FailedWriteLeavesNothing) {
  // A name that is a file and a folder is found when the second is made.
  Model model = encoder();
  model.files = {{"vocab", "a"}, {"vocab/genre.txt", "b"}};
  const std::string before = test::read_file(path() / "model.json");
  EXPECT_THROW(save_model(model, path(), true), DataError);
  EXPECT_EQ(test::read_file(path() / "model.json"), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_F(ModelFiles, NamesOfAFamilyAreCheckedWhenTheyAreWritten) {
  for (const char* name : {"../x", "", "/x", "model.json", "tensors.safetensors", "config.toml"}) {
    Model model = encoder();
    model.files[name] = "x";
    EXPECT_THROW(save_model(model, folder_ / "n", false), std::logic_error) << name;
  }
  Model model = encoder();
  model.tensors["__metadata__"] = Tensor::zeros({1});
  EXPECT_THROW(save_model(model, folder_ / "n", false), std::logic_error);
  EXPECT_FALSE(fs::exists(folder_ / "n"));
}

TEST_F(ModelFiles, ScoresAreWrittenBesideTheList) {
  SavedModel saved = save_model(encoder(), folder_ / "s", false);
  saved.set_metrics({{"ndcg@20", 0.25}});
  const Model loaded = load_model(folder_ / "s");
  EXPECT_EQ(loaded.metrics["ndcg@20"], 0.25);
  EXPECT_EQ(loaded.files, encoder().files);
}

}  // namespace
}  // namespace unfold
