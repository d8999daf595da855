#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/small_model.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::small_model;
using test::TempDirectory;

std::map<std::string, std::string> content(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = test::read_file(entry.path());
  }
  return files;
}

std::size_t n_entries(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// The message of a load that must fail.
std::string message_of_load(const fs::path& directory) {
  try {
    load_model(directory);
  } catch (const DataError& error) {
    return error.what();
  }
  return "(loaded)";
}

void replace_text(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = test::read_file(file);
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  test::write_file(file, text.replace(at, from.size(), to));
}

TEST(ModelDirectory, SaveLoadSaveGivesTheSameBytes) {
  for (const std::uint32_t dim : {1u, 3u, 64u}) {
    const TempDirectory directory;
    save_model(small_model(dim), directory / "a", false);
    save_model(load_model(directory / "a"), directory / "b", false);
    const auto files = content(directory / "a");
    EXPECT_EQ(files.size(), 7u);
    EXPECT_EQ(files, content(directory / "b"));
  }
}

TEST(ModelDirectory, LoadGivesWhatWasSaved) {
  const TempDirectory directory;
  const Model saved = small_model();
  save_model(saved, directory / "m/", false);
  const Model loaded = load_model(directory / "m");
  EXPECT_EQ(loaded.kind, "mf");
  EXPECT_EQ(loaded.tensors.at("user.embedding").rows(), 5u);
  EXPECT_EQ(loaded.tensors.at("user.embedding").cols(), 3u);
  EXPECT_EQ(loaded.tensors.at("user.embedding").data, saved.tensors.at("user.embedding").data);
  EXPECT_EQ(loaded.tensors.at("item.embedding").data, saved.tensors.at("item.embedding").data);
  EXPECT_EQ(loaded.tensors.at("user.bias").data, saved.tensors.at("user.bias").data);
  EXPECT_EQ(loaded.tensors.at("item.bias").data, saved.tensors.at("item.bias").data);
  EXPECT_EQ(loaded.tensors.at("global.bias").data[0], saved.tensors.at("global.bias").data[0]);
  EXPECT_TRUE(predicts_ratings(loaded));
  ASSERT_TRUE(rating_range(loaded).has_value());
  EXPECT_EQ(rating_range(loaded)->low, 0.1f);
  EXPECT_EQ(rating_range(loaded)->high, 5.5f);
  EXPECT_EQ(loaded.user_ids.find("\xff\xfe bytes"), 4u);
  EXPECT_EQ(loaded.item_ids.id(2), "ret\rurn");
  EXPECT_EQ(loaded.seen.offsets, saved.seen.offsets);
  EXPECT_EQ(loaded.seen.items, saved.seen.items);
  EXPECT_EQ(loaded.seen.item_mean_rating, saved.seen.item_mean_rating);
  EXPECT_EQ(loaded.seen.mean_rating, 3.0f);
  EXPECT_EQ(loaded.training["learning_rate"], 0.05);
  EXPECT_EQ(loaded.metrics, saved.metrics);
  EXPECT_EQ(loaded.history, saved.history);
  EXPECT_EQ(loaded.config, saved.config);
  EXPECT_NE(test::read_file(directory / "m/model.json").find("0.1,"), std::string::npos);
}

TEST(ModelDirectory, KeepsTheListsOfAllParts) {
  const TempDirectory directory;
  Model model = small_model();
  RatingWriter validation = RatingWriter::temporary(false), test = RatingWriter::temporary(false);
  validation.append({0, 2});
  test.append({1, 3});
  test.append({4, 0});
  model.seen.hold_out(validation.finish().view(), test.finish().view());
  save_model(model, directory / "m", false);
  const Model loaded = load_model(directory / "m");
  ASSERT_TRUE(loaded.seen.knows_held_out());
  EXPECT_EQ(loaded.seen.validation.offsets, model.seen.validation.offsets);
  EXPECT_EQ(loaded.seen.validation.items, (std::vector<Row>{2}));
  EXPECT_EQ(loaded.seen.test.offsets, model.seen.test.offsets);
  EXPECT_EQ(loaded.seen.test.items, (std::vector<Row>{3, 0}));
  save_model(small_model(), directory / "old", false);
  EXPECT_FALSE(load_model(directory / "old").seen.knows_held_out());

  model.seen.validation.items[0] = 0;  // in training
  save_model(model, directory / "twice", false);
  EXPECT_NE(message_of_load(directory / "twice").find("lists of items are damaged"), std::string::npos);
}

TEST(ModelDirectory, NumbersThatAreNotFiniteAreNamed) {
  const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  const std::pair<const char*, void (*)(Model&, float)> places[] = {
      {"user.embedding (number 4 of it is", [](Model& m, float x) { m.tensors.at("user.embedding").data[3] = x; }},
      {"item.embedding", [](Model& m, float x) { m.tensors.at("item.embedding").data.back() = x; }},
      {"user.bias", [](Model& m, float x) { m.tensors.at("user.bias").data[0] = x; }},
      {"item.bias", [](Model& m, float x) { m.tensors.at("item.bias").data[1] = x; }},
      {"global.bias", [](Model& m, float x) { m.tensors.at("global.bias").data = {x}; }},
      {"a mean rating", [](Model& m, float x) { m.seen.item_mean_rating[2] = x; }}};
  for (const auto& [name, spoil] : places) {
    for (const float value : {none, infinite, -infinite}) {
      const TempDirectory directory;
      Model model = small_model();
      spoil(model, value);
      save_model(model, directory / "m", false);
      const std::string message = message_of_load(directory / "m");
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_NE(message.find("finite"), std::string::npos) << message;
    }
  }
}

TEST(ModelDirectory, ModelWithoutRangeAndHistory) {
  const TempDirectory directory;
  Model model = small_model();
  set_rating_range(model, std::nullopt);
  model.history.clear();
  model.config.clear();
  save_model(model, directory / "m", false);
  const Model loaded = load_model(directory / "m");
  EXPECT_FALSE(rating_range(loaded).has_value());
  EXPECT_TRUE(loaded.history.empty());
}

TEST(ModelDirectory, ExistingTargetIsRefusedWithoutOverwrite) {
  const TempDirectory directory;
  save_model(small_model(), directory / "m", false);
  const auto before = content(directory / "m");
  EXPECT_THROW(check_model_target(directory / "m", false), UsageError);
  EXPECT_THROW(save_model(small_model(8), directory / "m", false), UsageError);
  EXPECT_EQ(content(directory / "m"), before);
  EXPECT_EQ(n_entries(directory.path()), 1u);
}

TEST(ModelDirectory, OverwriteReplacesAModel) {
  const TempDirectory directory;
  save_model(small_model(), directory / "m", true);
  check_model_target(directory / "m", true);
  save_model(small_model(8), directory / "m", true);
  EXPECT_EQ(load_model(directory / "m").tensors.at("user.embedding").cols(), 8u);
  EXPECT_EQ(n_entries(directory.path()), 1u);
}

TEST(ModelDirectory, OverwriteNeverReplacesAnythingElse) {
  const TempDirectory directory;
  fs::create_directory(directory / "empty");
  fs::create_directory(directory / "photos");
  test::write_file(directory / "photos/cat.jpg", "cat");
  test::write_file(directory / "file", "text");
  fs::create_directory(directory / "other");
  test::write_file(directory / "other/model.json", "{\"format\": \"another\"}");
  save_model(small_model(), directory / "model", false);
  test::write_file(directory / "model/notes.txt", "mine");
  fs::create_symlink("nowhere", directory / "dangling");
  for (const char* name : {"empty", "photos", "file", "other", "model", "dangling"}) {
    EXPECT_THROW(check_model_target(directory / name, true), UsageError) << name;
    EXPECT_THROW(save_model(small_model(), directory / name, true), UsageError) << name;
  }
  EXPECT_EQ(test::read_file(directory / "photos/cat.jpg"), "cat");
  EXPECT_EQ(test::read_file(directory / "model/notes.txt"), "mine");
  EXPECT_EQ(test::read_file(directory / "file"), "text");
  EXPECT_EQ(n_entries(directory.path()), 6u);
}

TEST(ModelDirectory, FailedWriteLeavesTheOldModel) {
  const TempDirectory directory;
  save_model(small_model(), directory / "m", false);
  const auto before = content(directory / "m");
  // An id with a line feed cannot be written, and is found after other files have been.
  Model model = small_model(8);
  model.item_ids = IdMap();
  for (const char* id : {"a", "b", "c", "d\ne"}) model.item_ids.find_or_add(id);
  EXPECT_THROW(save_model(model, directory / "m", true), DataError);
  EXPECT_EQ(content(directory / "m"), before);
  EXPECT_EQ(n_entries(directory.path()), 1u);
}

TEST(ModelDirectory, MissingParentIsFoundBeforeTheWork) {
  const TempDirectory directory;
  EXPECT_THROW(check_model_target(directory / "none/m", false), DataError);
  EXPECT_THROW(save_model(small_model(), directory / "none/m", false), DataError);
  check_model_target(directory / "m", false);
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST(ModelDirectory, MissingModelIsNamed) {
  const TempDirectory directory;
  EXPECT_NE(message_of_load(directory / "none").find("it does not exist"), std::string::npos);
  EXPECT_NE(message_of_load(directory.path()).find("it holds no model.json"), std::string::npos);
}

TEST(ModelDirectory, EveryMissingFileIsNamed) {
  for (const char* name :
       {"tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors", "history.jsonl", "config.toml"}) {
    const TempDirectory directory;
    save_model(small_model(), directory / "m", false);
    fs::remove(directory / "m" / name);
    EXPECT_NE(message_of_load(directory / "m").find(name), std::string::npos) << name;
  }
}

TEST(ModelDirectory, EveryTruncationIsNamed) {
  const TempDirectory directory;
  save_model(small_model(), directory / "m", false);
  for (const char* name :
       {"model.json", "tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors", "history.jsonl"}) {
    const std::string good = test::read_file(directory / "m" / name);
    // The last byte of model.json is a line feed, without which it is whole still.
    for (std::size_t n = 0; n + 1 < good.size(); ++n) {
      test::write_file(directory / "m" / name, std::string_view(good).substr(0, n));
      ASSERT_NE(message_of_load(directory / "m").find(name), std::string::npos) << name << " " << n;
    }
    test::write_file(directory / "m" / name, good);
  }
  load_model(directory / "m");
}

TEST(ModelDirectory, DescriptionsThatDoNotFitAreNamed) {
  const struct {
    const char *from, *to, *words;
  } cases[] = {{"\"format_version\": 2", "\"format_version\": 3", "format version 3; this program reads 1 to 2"},
               {"\"format_version\": 2", "\"format_version\": 0", "format version 0; this program reads 1 to 2"},
               {"unfold-model", "another", "not the description of a model"},
               {"\"n_users\": 5", "\"n_users\": 6", "user_ids.txt: holds 5 ids, but the model has 6 rows"},
               {"\"n_items\": 4", "\"n_items\": 3", "item_ids.txt: holds 4 ids, but the model has 3 rows"},
               {"\"history.jsonl\": 5", "\"history.jsonl\": 4", "history.jsonl: has 59 bytes, but 49 were written"},
               {"\"n_users\": 5", "\"n_users\": -5", "\"n_users\" is missing or no number"},
               {"\"n_items\": 4", "\"n_items\": 4294967296", "\"n_items\" is missing or no number"},
               {"\"n_items\": 4", "\"n_items\": 0", "\"n_items\" is missing or no number"},
               {"\"kind\": \"mf\"", "\"kind\": 7", "\"kind\" is missing or of another type"},
               {"\"kind\": \"mf\"", "\"kind\": \"mf\", \"kind\": \"mf\"", "has the key \"kind\" twice"},
               {"\"training\": {", "\"training\": 5, \"x\": {", "\"training\" is 5; an object is right"},
               {"\"source\"", "\"data\": [1], \"source\"", "\"data\" is [1]; an object is right"},
               {"\"source\"", "\"data\": {\"has_ratings\": 1}, \"source\"", "true or false is right"},
               {"\"source\"", "\"options\": {\"positive-from\": 4}, \"source\"", "a text is right"},
               {"\"source\"", "\"positive_from\": \"4\", \"source\"", "a number or null is right"},
               {"\"source\"", "\"parts\": {\"n_test\": -1}, \"source\"", "a whole number from 0 is right"},
               {"\"architecture\": {", "\"x\": {", "\"architecture\" is missing"},
               {"\"architecture\": {", "\"architecture\": [], \"x\": {", "\"architecture\" is []; an object is right"},
               {"\"predicts_ratings\": true", "\"predicts_ratings\": 1", "\"predicts_ratings\" is 1; true or false"},
               {"5.5", "0.05", "\"rating_range\" is [0.1,0.05]; [low, high] or null is right"},
               {"5.5", "\"5\"", "[low, high] or null is right"},
               {"5.5", "5, 6", "[low, high] or null is right"},
               {"5.5", "1e300", "is beyond float32"},
               {"{", "", "is not valid JSON"}};
  for (const auto& [from, to, words] : cases) {
    const TempDirectory directory;
    save_model(small_model(), directory / "m", false);
    replace_text(directory / "m/model.json", from, to);
    const std::string message = message_of_load(directory / "m");
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
}

TEST(ModelDirectory, DamagedListsAreNamed) {
  Model broken[4] = {small_model(), small_model(), small_model(), small_model()};
  broken[0].seen.items[0] = 4;                  // out of range
  broken[1].seen.items[0] = 1;                  // repeated
  broken[2].seen.offsets[1] = 5;                // past the end
  broken[3].seen.offsets = {0, 2, 1, 2, 2, 4};  // going back
  for (const Model& model : broken) {
    const TempDirectory directory;
    save_model(model, directory / "m", false);
    EXPECT_NE(message_of_load(directory / "m").find("lists of items are damaged"), std::string::npos);
  }
}

TEST(ModelDirectory, InconsistentModelIsAnErrorOfTheCaller) {
  const TempDirectory directory;
  Model model = small_model();
  model.tensors.at("user.bias").data.pop_back();
  EXPECT_THROW(save_model(model, directory / "m", false), std::logic_error);
}

}  // namespace
}  // namespace unfold
