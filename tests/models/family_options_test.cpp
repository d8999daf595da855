// What families make of their options.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

TEST(Mf, EveryBadValueNamesItsOption) {
  struct Case {
    std::string option;
    std::function<void(MfFamily&)> spoil;
  };
  const double nan = std::nan("");
  const std::vector<Case> cases = {
      {"--dim", [](MfFamily& o) { o.own.dim = 0; }},
      {"--dim", [](MfFamily& o) { o.own.dim = 1025; }},
      {"--table-type", [](MfFamily& o) { o.own.table_type = "half"; }},
      {"--epochs", [](MfFamily& o) { o.run().epochs = 0; }},
      {"--optimizer", [](MfFamily& o) { o.run().optimizer = "sgdd"; }},
      {"--schedule", [](MfFamily& o) { o.run().schedule = ""; }},
      {"--learning-rate", [](MfFamily& o) { o.run().learning_rate = 0; }},
      {"--learning-rate", [&](MfFamily& o) { o.run().learning_rate = nan; }},
      {"--learning-rate-decay", [](MfFamily& o) { o.run().learning_rate_decay = 1.5; }},
      {"--warmup", [](MfFamily& o) { o.run().warmup = 1; }},
      {"--beta1", [](MfFamily& o) { o.run().beta1 = 1; }},
      {"--beta2", [](MfFamily& o) { o.run().beta2 = -0.1; }},
      {"--epsilon", [](MfFamily& o) { o.run().epsilon = 0; }},
      {"--l2", [](MfFamily& o) { o.own.l2 = -1; }},
      {"--l2-bias", [](MfFamily& o) { o.own.l2_bias = -0.5; }},
      {"--rating-range", [](MfFamily& o) { o.own.rating_range = "5:1"; }},
      {"--rating-range", [](MfFamily& o) { o.own.rating_range = "1-5"; }},
      {"--rating-range", [](MfFamily& o) { o.own.rating_range = "1:5x"; }},
      {"--rating-range", [](MfFamily& o) { o.own.rating_range = "nan:5"; }},
      {"--init-std", [](MfFamily& o) { o.own.init_std = -1; }},
      {"--batch-size", [](MfFamily& o) { o.run().batch_size = std::uint64_t{1} << 31; }},
  };
  for (const Case& c : cases) {
    MfFamily family;
    c.spoil(family);
    try {
      family.validate();
      ADD_FAILURE() << c.option << " was accepted";
    } catch (const UsageError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(c.option + " ", 0), 0u) << error.what();
    }
  }
}

TEST(Softmax, AreRefusedWithTheirName) {
  const auto refused = [](const std::string& name, auto change) {
    SoftmaxFamily o;
    change(o);
    try {
      o.validate();
      ADD_FAILURE() << name << " was taken";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("--" + name + " "), std::string::npos) << error.what();
    }
  };
  refused("loss", [](SoftmaxFamily& o) { o.own.loss = "hinge"; });
  refused("score", [](SoftmaxFamily& o) { o.own.score = "angle"; });
  refused("score-type", [](SoftmaxFamily& o) { o.own.score_type = "float16"; });
  refused("score-type", [](SoftmaxFamily& o) { o.own.score_type = "half"; });
  refused("temperature", [](SoftmaxFamily& o) { o.own.temperature = -0.1; });
  refused("positive-temperature", [](SoftmaxFamily& o) { o.own.positive_temperature = -1; });
  refused("negative-weight", [](SoftmaxFamily& o) { o.own.negative_weight = 0; });
  refused("dropout", [](SoftmaxFamily& o) { o.own.dropout = 1; });
  refused("l2", [](SoftmaxFamily& o) { o.own.l2 = 0.1; });
  refused("denominator-items", [](SoftmaxFamily& o) { o.own.denominator_items = 10; });
  refused("denominator-items", [](SoftmaxFamily& o) {
    o.own.denominator_items = 10;
    o.own.positive_in_denominator = true;
    o.own.loss = "bpr";
  });
  refused("user-balance", [](SoftmaxFamily& o) { o.own.user_balance = 1.5; });
  refused("rating-weight", [](SoftmaxFamily& o) { o.own.rating_weight = 0; });
  refused("n-negatives", [](SoftmaxFamily& o) { o.own.n_negatives = 0; });
  refused("hard-warmup", [](SoftmaxFamily& o) { o.own.hard_warmup = 1; });
  refused("hard-weight", [](SoftmaxFamily& o) { o.own.hard_weight = 0; });
  refused("hard-temperature", [](SoftmaxFamily& o) { o.own.hard_temperature = 0; });
  refused("adaptive-beta", [](SoftmaxFamily& o) { o.own.adaptive_beta = 0; });
  refused("weight-rank", [](SoftmaxFamily& o) { o.own.weight_rank = 1025; });
  refused("weight-temperature", [](SoftmaxFamily& o) { o.own.weight_temperature = 0; });
  refused("refresh-epochs", [](SoftmaxFamily& o) { o.own.refresh_epochs = 0; });
  refused("mined-skip", [](SoftmaxFamily& o) {
    o.own.negatives = "mined:8/1000";
    o.own.mined_skip = 100;
  });
  refused("own-negatives", [](SoftmaxFamily& o) {
    o.own.negatives = "in-batch";
    o.own.own_negatives = true;
  });
  refused("negatives", [](SoftmaxFamily& o) { o.own.negatives = "unifrom"; });
}

TEST(Softmax, PositivesWeighByRatingWithAMeanOfOne) {
  SoftmaxFamily o;
  const std::vector<Row> rows(5);
  const std::vector<float> ratings = {1, 2, 3, 4, 5};
  const RatingView train{rows, rows, ratings, {}};
  EXPECT_TRUE(o.weights(train).empty()) << "all alike";
  o.own.rating_weight = 4;
  const std::vector<float> weights = o.weights(train);
  ASSERT_EQ(weights.size(), 5u);
  double sum = 0;
  for (const float weight : weights) sum += static_cast<double>(weight);
  EXPECT_NEAR(sum, 5, 1e-5);
  // A standard deviation is the root of 2.
  for (std::size_t k = 1; k < 5; ++k) EXPECT_NEAR(weights[k] / weights[k - 1], std::pow(4, 1 / std::sqrt(2.0)), 1e-4);
  const std::vector<float> equal(5, 2.0f);
  EXPECT_EQ(o.weights({rows, rows, equal, {}}), std::vector<float>(5, 1.0f));
  EXPECT_TRUE(MfFamily().weights(train).empty());
}

TEST(Softmax, BalancedUsersCountAlikeWhateverTheyChose) {
  SoftmaxFamily o;
  const std::vector<Row> users = {7, 2, 7, 7, 2, 7, 7, 7, 7, 7};  // 8 of user 7, 2 of user 2
  const std::vector<Row> items(users.size());
  const std::vector<float> ratings(users.size(), 3.0f);
  const auto weights = [&](double balance) {
    o.own.user_balance = balance;
    return o.weights({users, items, ratings, {}});
  };
  EXPECT_TRUE(weights(0).empty());
  const std::vector<float> alike = weights(1), half = weights(0.5);
  for (std::size_t k = 0; k < users.size(); ++k) {
    EXPECT_FLOAT_EQ(alike[k], users[k] == 7 ? 5.0f / 8 : 2.5f);
    EXPECT_FLOAT_EQ(half[k] / half[1], users[k] == 7 ? 0.5f : 1.0f);
  }
}

TEST(MfRatingLoss, MeanAndSpreadOfTheRatings) {
  const std::vector<Row> rows(4);
  const std::vector<float> ratings = {10, 20, 30, 40};
  const RatingLoss loss = rating_loss(MfOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.scale, std::sqrt(125.0f));
  EXPECT_FLOAT_EQ(loss.inverse_variance, 1 / 125.0f);
  EXPECT_FLOAT_EQ(predicted_rating(loss.mean, loss), 25.0f);
}

TEST(MfRatingLoss, EqualRatingsAreNoDivisionByZero) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 1, 1};
  const RatingLoss loss = rating_loss(MfOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.scale, 1);
  EXPECT_FLOAT_EQ(predicted_rating(loss.mean, loss), 1);
}

TEST(MfRatingLoss, ARangeStartsAtTheMeanAndHoldsEveryRating) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 3, 5};
  MfOptions options;
  options.rating_range = "0:5.5";
  const RatingLoss loss = rating_loss(options, {rows, rows, ratings, {}});
  EXPECT_NEAR(predicted_rating(loss.mean, loss), 3.0, 1e-5);
  options.rating_range = "1:4";
  EXPECT_THROW(rating_loss(options, {rows, rows, ratings, {}}), UsageError);
}

}  // namespace
}  // namespace unfold
