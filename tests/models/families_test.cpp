// What holds of every family.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "host/models/mf/mf_family.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"

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
  EXPECT_EQ(message("temperature"), "--temperature belongs to model softmax, and this is mf");
  EXPECT_EQ(message("tempreature"), "--tempreature: unknown option");
  EXPECT_EQ(families_with("dim"), (std::vector<std::string>{"mf", "softmax"}));
  EXPECT_EQ(families_with("rating-range"), std::vector<std::string>{"mf"});
}

}  // namespace
}  // namespace unfold
