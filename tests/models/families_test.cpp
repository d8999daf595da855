// What holds of every family.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "host/models/mf/mf_family.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"
#include "unfold/model_scorer.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

TEST(Families, HaveNamesAndHelp) {
  std::set<std::string> names;
  for (const auto& family : model_families()) {
    EXPECT_TRUE(names.insert(family->name()).second) << family->name();
    EXPECT_GT(std::string(family->help()).size(), 10u) << family->name();
    EXPECT_STREQ(make_family(family->name())->name(), family->name());
  }
  EXPECT_THROW(make_family("sotfmax"), UsageError);
}

TEST(Families, DefaultsAreAllowedAndEachOptionHasOneNameAndHelp) {
  for (const auto& family : model_families()) {
    SCOPED_TRACE(family->name());
    family->validate();
    const nlohmann::ordered_json json = family->to_json();
    EXPECT_EQ(json.at("model"), family->name());
    std::set<std::string> names;
    for (const Option& option : family->options()) {
      EXPECT_TRUE(names.insert(option.name).second) << option.name;
      EXPECT_GT(std::string(option.help).size(), 10u) << option.name;
      EXPECT_EQ(json.at(option.name), option.json()) << option.name;
    }
    EXPECT_EQ(json.size(), names.size() + 1);
  }
}

TEST(Families, OptionsAreSetByNameAndHeldToTheirBounds) {
  SoftmaxFamily softmax;
  softmax.set("dim", "12");
  softmax.set("learn-temperature", "true");
  softmax.set("negatives", "in-batch");
  softmax.set("learning-rate", "0.5");
  EXPECT_EQ(softmax.own.dim, 12u);
  EXPECT_TRUE(softmax.own.learn_temperature);
  EXPECT_EQ(softmax.own.negatives, "in-batch");
  EXPECT_EQ(softmax.run().learning_rate, 0.5);
  EXPECT_THROW(softmax.set("dim", "0"), UsageError);
  EXPECT_THROW(softmax.set("dim", "many"), UsageError);
  EXPECT_THROW(softmax.set("optimizer", "sgdd"), UsageError);
  EXPECT_EQ(softmax.own.dim, 12u);
  EXPECT_EQ(softmax.run().optimizer, "adam");
}

TEST(Families, OptionsComeBackFromTheirTexts) {
  for (const auto& family : model_families()) {
    // Another value of each, where one is known.
    for (const Option& option : family->options()) {
      if (option.is_flag()) option.set(option.text() == "true" ? "false" : "true");
      if (!option.allowed.words.empty()) option.set(option.allowed.words.back());
      if (std::holds_alternative<std::uint32_t*>(option.field)) option.set("3");
    }
    const auto again = make_family(family->name());
    EXPECT_NE(again->to_json(), family->to_json());
    for (const Option& option : family->options()) again->set(option.name, option.text());
    EXPECT_EQ(again->to_json(), family->to_json());
  }
}

// Models of every family are the same once they have been on disk.
TEST(Families, ScoreWhatTheySaved) {
  std::vector<Row> users, items;
  std::vector<float> ratings;
  for (Row user = 0; user < 12; ++user) {
    for (Row item = 0; item < 8; ++item) {
      if ((user + item) % 3 == 0) continue;
      users.push_back(user);
      items.push_back(item);
      ratings.push_back(static_cast<float>(1 + (user * item) % 5));
    }
  }
  const RatingView train_part{users, items, ratings, {}};
  const auto backend = make_cpu_backend(1);
  for (const auto& family : model_families()) {
    SCOPED_TRACE(family->name());
    family->run().epochs = 2;
    Model model = train(*backend, {train_part, {}, 12, 8}, *family, {}).model;
    for (int n = 0; n < 12; ++n) model.user_ids.find_or_add(fmt::format("u{}", n));
    for (int n = 0; n < 8; ++n) model.item_ids.find_or_add(fmt::format("i{}", n));
    model.seen = SeenItems::from_ratings(train_part, 12, 8);
    const test::TempDirectory folder;
    save_model(model, folder / "m", false);
    const Model opened = open_model(folder / "m");
    EXPECT_EQ(predicts_ratings(opened), family->predicts_ratings());
    std::vector<float> before(users.size()), after(users.size());
    make_scorer(*backend, model)->score_pairs(users.data(), items.data(), users.size(), before.data());
    make_scorer(*backend, opened)->score_pairs(users.data(), items.data(), users.size(), after.data());
    EXPECT_EQ(before, after);
  }
}

TEST(Families, AnOptionOfAnotherIsRefusedWithItsOwner) {
  MfFamily mf;
  const auto message = [&](const char* option) {
    try {
      mf.set(option, "1");
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  EXPECT_EQ(message("temperature"), "--temperature belongs to model softmax, and this run is of model mf");
  EXPECT_EQ(message("tempreature"), "--tempreature: unknown option");
  EXPECT_EQ(families_with("rating-range"), std::vector<std::string>{"mf"});
  EXPECT_EQ(families_with("epochs").size(), family_names().size());
}

}  // namespace
}  // namespace unfold
