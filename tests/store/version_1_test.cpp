// Models of version 1 of the format, which unfold wrote before there were others: tests/store/version_1.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"
#include "unfold/model_scorer.hpp"
#include "unfold/verify.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kModels[] = {"mf", "mf_range", "softmax"};

class Version1 : public testing::Test {
 protected:
  void SetUp() override {
    UNFOLD_REQUIRE_SOURCES(sources);
    fs::copy(sources / "tests/store/version_1", folder_.path(), fs::copy_options::recursive);
  }
  fs::path path(const std::string& name) const { return folder_ / name; }

  std::string message_of_load(const std::string& name) const {
    try {
      load_model(path(name));
    } catch (const DataError& error) {
      return error.what();
    }
    return "(loaded)";
  }
  void expect_refused(const std::string& name, const std::string& words) const {
    const std::string message = message_of_load(name);
    EXPECT_NE(message.find(words), std::string::npos) << message;
  }
  void edit(const std::string& name, const char* key, const Json& value) const {
    Json json = Json::parse(test::read_file(path(name) / "model.json"));
    json[key] = value;
    test::write_file(path(name) / "model.json", json.dump());
  }

  test::TempDirectory folder_;
};

TEST_F(Version1, HoldsTheFiveTensorsAndTheRatingsRange) {
  const Model plain = load_model(path("mf")), ranged = load_model(path("mf_range")),
              softmax = load_model(path("softmax"));
  EXPECT_TRUE(predicts_ratings(plain));
  EXPECT_FALSE(rating_range(plain).has_value());
  EXPECT_TRUE(predicts_ratings(ranged));
  EXPECT_EQ(rating_range(ranged)->low, 0.5f);
  EXPECT_EQ(rating_range(ranged)->high, 5.5f);
  EXPECT_FALSE(predicts_ratings(softmax));
  EXPECT_EQ(softmax.kind, "softmax");
  for (const Model* model : {&plain, &ranged, &softmax}) {
    EXPECT_EQ(model->tensors.size(), 5u);
    EXPECT_EQ(model->tensors.at("user.embedding").shape, (std::vector<std::uint64_t>{24, 4}));
    EXPECT_EQ(model->tensors.at("item.embedding").shape, (std::vector<std::uint64_t>{16, 4}));
    EXPECT_EQ(model->tensors.at("user.bias").shape, std::vector<std::uint64_t>{24});
    EXPECT_EQ(model->tensors.at("item.bias").shape, std::vector<std::uint64_t>{16});
    EXPECT_EQ(model->tensors.at("global.bias").shape, std::vector<std::uint64_t>{1});
    EXPECT_TRUE(model->seen.knows_held_out());
    EXPECT_FALSE(model->history.empty());
    EXPECT_FALSE(model->config.empty());
    EXPECT_TRUE(model->files.empty());
  }
}

// The bits of every score and rating, as the model is, and as version 2 holds it.
TEST_F(Version1, ScoresAreTheSameBitsInVersion2) {
  const auto backend = make_cpu_backend(1);
  const auto scores = [&](const Model& model) {
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
    std::vector<Row> users, items;
    for (Row user = 0; user < 24; ++user) {
      for (Row item = 0; item < 16; ++item) {
        users.push_back(user);
        items.push_back(item);
      }
    }
    std::vector<float> out(2 * users.size());
    scorer->score_pairs(users.data(), items.data(), users.size(), out.data());
    if (scorer->predicts_ratings()) {
      scorer->predict_ratings(users.data(), items.data(), users.size(), out.data() + users.size());
    }
    return out;
  };
  for (const char* name : kModels) {
    const Model old = open_model(path(name));
    save_model(old, path("new"), true);
    EXPECT_NE(test::read_file(path("new/model.json")).find("\"format_version\": 2"), std::string::npos);
    const Model now = open_model(path("new"));
    EXPECT_EQ(now.architecture, old.architecture) << name;
    EXPECT_EQ(now.tensors, old.tensors) << name;
    EXPECT_EQ(scores(now), scores(old)) << name;
    for (const char* file :
         {"tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors", "history.jsonl", "config.toml"}) {
      EXPECT_EQ(test::read_file(path("new") / file), test::read_file(path(name) / file)) << name << file;
    }
  }
}

TEST_F(Version1, EveryChangedByteAndEveryTruncationIsNamed) {
  const std::string model = "mf_range";
  const VerifyReport report = verify_folder(path(model));
  EXPECT_EQ(report.n_files, 6u);
  EXPECT_TRUE(report.has_checksums);
  for (const char* name :
       {"tensors.safetensors", "user_ids.txt", "item_ids.txt", "seen.safetensors", "history.jsonl", "config.toml"}) {
    const fs::path file = path(model) / name;
    const std::string good = test::read_file(file);
    fs::remove(file);
    expect_refused(model, name);
    for (std::size_t n = 0; n < good.size(); n += 7) {
      std::string bad = good;
      bad[n] = static_cast<char>(bad[n] ^ 4);
      test::write_file(file, bad);
      EXPECT_THROW(verify_folder(path(model)), DataError) << name << n;
      expect_refused(model, name);
      test::write_file(file, std::string_view(good).substr(0, n));
      expect_refused(model, name);
    }
    test::write_file(file, good);
  }
  const std::string good = test::read_file(path(model) / "model.json");
  for (std::size_t n = 0; n + 1 < good.size(); n += 7) {
    test::write_file(path(model) / "model.json", std::string_view(good).substr(0, n));
    expect_refused(model, "model.json");
  }
}

TEST_F(Version1, DescriptionsThatDoNotFitAreNamed) {
  const std::string good = test::read_file(path("mf_range/model.json"));
  const struct {
    const char* key;
    Json value;
    const char* words;
  } cases[] = {{"n_users", 25, "tensor \"user.embedding\" has shape [24, 4], not [25, 4]"},
               {"n_items", 15, "tensor \"item.embedding\" has shape [16, 4], not [15, 4]"},
               {"dim", 5, "tensor \"user.embedding\" has shape [24, 4], not [24, 5]"},
               {"dim", 0, "\"dim\" is missing or no number from 1 to 1024"},
               {"dim", 1025, "\"dim\" is missing or no number from 1 to 1024"},
               {"dim", "4", "\"dim\" is missing or no number from 1 to 1024"},
               {"n_users", 0, "\"n_users\" is missing or no number"},
               {"n_items", 4294967296, "\"n_items\" is missing or no number"},
               {"kind", 7, "\"kind\" is missing or of another type"},
               {"rating_range", {5, 1}, "\"rating_range\" is [5,1]; [low, high] or null is right"},
               {"rating_range", "wide", "[low, high] or null is right"},
               {"training", 5, "\"training\" is 5; an object is right"}};
  for (const auto& [key, value, words] : cases) {
    edit("mf_range", key, value);
    expect_refused("mf_range", words);
    test::write_file(path("mf_range/model.json"), good);
  }
  for (const char* key : {"dim", "rating_range", "file_bytes", "kind"}) {
    Json json = Json::parse(good);
    json.erase(key);
    test::write_file(path("mf_range/model.json"), json.dump());
    expect_refused("mf_range", std::string("\"") + key + "\" is missing");
  }
}

TEST_F(Version1, WithoutChecksumsLengthsAreCompared) {
  Json json = Json::parse(test::read_file(path("mf/model.json")));
  json.erase("file_xxh3_128");
  test::write_file(path("mf/model.json"), json.dump());
  EXPECT_FALSE(verify_folder(path("mf")).has_checksums);
  EXPECT_EQ(load_model(path("mf")).tensors.at("user.embedding").cols(), 4u);
  test::write_file(path("mf/config.toml"), "");
  expect_refused("mf", "config.toml: has 0 bytes");
}

TEST_F(Version1, UnknownKindsAreReadAndNotScored) {
  edit("softmax", "kind", "of-tomorrow");
  EXPECT_EQ(load_model(path("softmax")).kind, "of-tomorrow");
  EXPECT_THROW(open_model(path("softmax")), DataError);
}

TEST_F(Version1, IsReplacedAsAModelIs) {
  const Model model = load_model(path("softmax"));
  test::write_file(path("mf/notes.txt"), "mine");
  EXPECT_THROW(save_model(model, path("mf"), true), UsageError);
  EXPECT_THROW(save_model(model, path("mf_range"), false), UsageError);
  fs::remove(path("mf/notes.txt"));
  SavedModel saved = save_model(model, path("mf"), true);
  saved.set_metrics({{"mrr", 0.5}});
  EXPECT_EQ(load_model(path("mf")).kind, "softmax");
  EXPECT_EQ(load_model(path("mf")).metrics["mrr"], 0.5);
}

}  // namespace
}  // namespace unfold
