#include "host/train/options.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "unfold/error.hpp"

namespace unfold {
namespace {

TEST(TrainOptions, DefaultsAreValid) { EXPECT_NO_THROW(validate(TrainOptions{})); }

TEST(TrainOptions, EveryBadValueNamesItsOption) {
  struct Case {
    std::string option;
    std::function<void(TrainOptions&)> spoil;
  };
  const double nan = std::nan("");
  const std::vector<Case> cases = {
      {"--model", [](TrainOptions& o) { o.model = "fm"; }},
      {"--dim", [](TrainOptions& o) { o.dim = 0; }},
      {"--dim", [](TrainOptions& o) { o.dim = 1025; }},
      {"--table-type", [](TrainOptions& o) { o.table_type = "half"; }},
      {"--epochs", [](TrainOptions& o) { o.epochs = 0; }},
      {"--optimizer", [](TrainOptions& o) { o.optimizer = "sgdd"; }},
      {"--schedule", [](TrainOptions& o) { o.schedule = ""; }},
      {"--learning-rate", [](TrainOptions& o) { o.learning_rate = 0; }},
      {"--learning-rate", [&](TrainOptions& o) { o.learning_rate = nan; }},
      {"--learning-rate-decay", [](TrainOptions& o) { o.learning_rate_decay = 1.5; }},
      {"--warmup", [](TrainOptions& o) { o.warmup = 1; }},
      {"--beta1", [](TrainOptions& o) { o.beta1 = 1; }},
      {"--beta2", [](TrainOptions& o) { o.beta2 = -0.1; }},
      {"--epsilon", [](TrainOptions& o) { o.epsilon = 0; }},
      {"--l2", [](TrainOptions& o) { o.l2 = -1; }},
      {"--l2-bias", [](TrainOptions& o) { o.l2_bias = -0.5; }},
      {"--rating-range", [](TrainOptions& o) { o.rating_range = "5:1"; }},
      {"--rating-range", [](TrainOptions& o) { o.rating_range = "1-5"; }},
      {"--rating-range", [](TrainOptions& o) { o.rating_range = "1:5x"; }},
      {"--rating-range", [](TrainOptions& o) { o.rating_range = "nan:5"; }},
      {"--init-std", [](TrainOptions& o) { o.init_std = -1; }},
      {"--positive-from", [](TrainOptions& o) { o.positive_from = "4"; }},  // of model mf
      {"--batch-size", [](TrainOptions& o) { o.batch_size = std::uint64_t{1} << 31; }},
  };
  for (const Case& c : cases) {
    TrainOptions options;
    c.spoil(options);
    try {
      validate(options);
      ADD_FAILURE() << c.option << " was accepted";
    } catch (const UsageError& error) {
      EXPECT_EQ(std::string(error.what()).rfind(c.option + " ", 0), 0u) << error.what();
    }
  }
}

TEST(TrainOptions, JsonHoldsEveryField) {
  const nlohmann::ordered_json json = to_json(TrainOptions{});
  std::size_t n_fields = 0;
  TrainOptions options;
  visit_train_options(options, [&](auto&, const char* name, const char* help) {
    ++n_fields;
    EXPECT_TRUE(json.contains(name)) << name;
    EXPECT_GT(std::string(help).size(), 10u) << name;
  });
  EXPECT_EQ(json.size(), n_fields);
}

TEST(Schedule, Constant) {
  TrainOptions o;
  o.schedule = "constant";
  for (const double x : {0.0, 0.5, 0.99}) EXPECT_EQ(scheduled(o, x).learning_rate, o.learning_rate);
}

TEST(Schedule, ExponentialStepsAtEpochs) {
  TrainOptions o;
  o.schedule = "exponential";
  o.epochs = 4;
  o.learning_rate = 1;
  o.learning_rate_decay = 0.5;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 1);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.24).learning_rate, 1);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.25).learning_rate, 0.5);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.99).learning_rate, 0.125);
}

TEST(Schedule, LinearEndsAtZero) {
  TrainOptions o;
  o.schedule = "linear";
  o.learning_rate = 2;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 2);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.75).learning_rate, 0.5);
  EXPECT_NEAR(scheduled(o, 1.0 - 1e-9).learning_rate, 0, 1e-8);
}

TEST(Schedule, OneCycleRisesToThePeakAndFallsWhileMomentumGoesTheOtherWay) {
  TrainOptions o;
  o.schedule = "one-cycle";
  o.learning_rate = 0.1;
  o.warmup = 0.25;
  o.beta1 = 0.9;
  EXPECT_NEAR(scheduled(o, 0).learning_rate, 0.1 / 25, 1e-12);
  EXPECT_NEAR(scheduled(o, 0.25).learning_rate, 0.1, 1e-12);
  EXPECT_NEAR(scheduled(o, 1).learning_rate, 0.1e-5, 1e-12);
  EXPECT_NEAR(scheduled(o, 0).beta1, 0.95, 1e-12);
  EXPECT_NEAR(scheduled(o, 0.25).beta1, 0.85, 1e-12);
  EXPECT_NEAR(scheduled(o, 1).beta1, 0.95, 1e-12);
  for (double x = 0; x < 0.99; x += 0.01) {
    const bool rising = x + 0.01 <= 0.25;
    EXPECT_EQ(scheduled(o, x).learning_rate < scheduled(o, x + 0.01).learning_rate, rising || x + 0.005 < 0.25) << x;
  }
}

TEST(Schedule, CosineEndsAtZero) {
  TrainOptions o;
  o.schedule = "cosine";
  o.learning_rate = 2;
  EXPECT_DOUBLE_EQ(scheduled(o, 0.0).learning_rate, 2);
  EXPECT_DOUBLE_EQ(scheduled(o, 0.5).learning_rate, 1);
  EXPECT_NEAR(scheduled(o, 1.0 - 1e-9).learning_rate, 0, 1e-8);
}

TEST(SoftmaxOptions, DefaultsAreValidAndOfTheirModel) {
  const TrainOptions softmax = TrainOptions::defaults("softmax");
  validate(softmax);
  EXPECT_EQ(softmax.model, "softmax");
  EXPECT_EQ(softmax.optimizer, "adam");
  EXPECT_EQ(TrainOptions::defaults("mf").optimizer, TrainOptions{}.optimizer);
  EXPECT_THROW(TrainOptions::defaults("sotfmax"), UsageError);
}

TEST(SoftmaxOptions, AreRefusedWithTheirName) {
  const auto refused = [](const std::string& name, auto change) {
    TrainOptions o = TrainOptions::defaults("softmax");
    change(o);
    try {
      validate(o);
      ADD_FAILURE() << name << " was taken";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("--" + name + " "), std::string::npos) << error.what();
    }
  };
  refused("loss", [](TrainOptions& o) { o.loss = "hinge"; });
  refused("score", [](TrainOptions& o) { o.score = "angle"; });
  refused("score-type", [](TrainOptions& o) { o.score_type = "float16"; });
  refused("score-type", [](TrainOptions& o) { o.score_type = "half"; });
  refused("temperature", [](TrainOptions& o) { o.temperature = -0.1; });
  refused("positive-temperature", [](TrainOptions& o) { o.positive_temperature = -1; });
  refused("negative-weight", [](TrainOptions& o) { o.negative_weight = 0; });
  refused("dropout", [](TrainOptions& o) { o.dropout = 1; });
  refused("l2", [](TrainOptions& o) { o.l2 = 0.1; });
  refused("l2-bias", [](TrainOptions& o) { o.l2_bias = 0.1; });
  refused("denominator-items", [](TrainOptions& o) { o.denominator_items = 10; });
  refused("denominator-items", [](TrainOptions& o) {
    o.denominator_items = 10;
    o.positive_in_denominator = true;
    o.loss = "bpr";
  });
  refused("user-balance", [](TrainOptions& o) { o.user_balance = 1.5; });
  refused("rating-range", [](TrainOptions& o) { o.rating_range = "0:5"; });
  refused("rating-weight", [](TrainOptions& o) { o.rating_weight = 0; });
  refused("n-negatives", [](TrainOptions& o) { o.n_negatives = 0; });
  refused("hard-warmup", [](TrainOptions& o) { o.hard_warmup = 1; });
  refused("hard-weight", [](TrainOptions& o) { o.hard_weight = 0; });
  refused("hard-temperature", [](TrainOptions& o) { o.hard_temperature = 0; });
  refused("adaptive-beta", [](TrainOptions& o) { o.adaptive_beta = 0; });
  refused("weight-rank", [](TrainOptions& o) { o.weight_rank = 1025; });
  refused("weight-temperature", [](TrainOptions& o) { o.weight_temperature = 0; });
  refused("refresh-epochs", [](TrainOptions& o) { o.refresh_epochs = 0; });
  refused("mined-skip", [](TrainOptions& o) {
    o.negatives = "mined:8/1000";
    o.mined_skip = 100;
  });
  refused("own-negatives", [](TrainOptions& o) {
    o.negatives = "in-batch";
    o.own_negatives = true;
  });
  refused("negatives", [](TrainOptions& o) { o.negatives = "unifrom"; });
}

TEST(SoftmaxOptions, ScoresHaveTheTypeAskedFor) {
  TrainOptions o = TrainOptions::defaults("softmax");
  EXPECT_EQ(score_type(o), TableType::kFloat32);
  o.score_type = "bfloat16";
  validate(o);
  EXPECT_EQ(score_type(o), TableType::kBfloat16);
}

TEST(SoftmaxOptions, PositivesWeighByRatingWithAMeanOfOne) {
  TrainOptions o = TrainOptions::defaults("softmax");
  const std::vector<Row> rows(5);
  const std::vector<float> ratings = {1, 2, 3, 4, 5};
  const RatingView train{rows, rows, ratings, {}};
  EXPECT_TRUE(positive_weights(o, train).empty()) << "all alike";
  o.rating_weight = 4;
  const std::vector<float> weights = positive_weights(o, train);
  ASSERT_EQ(weights.size(), 5u);
  double sum = 0;
  for (const float weight : weights) sum += static_cast<double>(weight);
  EXPECT_NEAR(sum, 5, 1e-5);
  // A standard deviation is the root of 2.
  for (std::size_t k = 1; k < 5; ++k) EXPECT_NEAR(weights[k] / weights[k - 1], std::pow(4, 1 / std::sqrt(2.0)), 1e-4);
  const std::vector<float> equal(5, 2.0f);
  EXPECT_EQ(positive_weights(o, {rows, rows, equal, {}}), std::vector<float>(5, 1.0f));
  o.model = "mf";
  EXPECT_TRUE(positive_weights(o, train).empty());
}

TEST(SoftmaxOptions, BalancedUsersCountAlikeWhateverTheyChose) {
  TrainOptions o = TrainOptions::defaults("softmax");
  const std::vector<Row> users = {7, 2, 7, 7, 2, 7, 7, 7, 7, 7};  // 8 of user 7, 2 of user 2
  const std::vector<Row> items(users.size());
  const std::vector<float> ratings(users.size(), 3.0f);
  const auto weights = [&](double balance) {
    o.user_balance = balance;
    return positive_weights(o, {users, items, ratings, {}});
  };
  EXPECT_TRUE(weights(0).empty());
  const std::vector<float> alike = weights(1), half = weights(0.5);
  for (std::size_t k = 0; k < users.size(); ++k) {
    EXPECT_FLOAT_EQ(alike[k], users[k] == 7 ? 5.0f / 8 : 2.5f);
    EXPECT_FLOAT_EQ(half[k] / half[1], users[k] == 7 ? 0.5f : 1.0f);
  }
}

TEST(RatingLossOptions, MeanAndSpreadOfTheRatings) {
  const std::vector<Row> rows(4);
  const std::vector<float> ratings = {10, 20, 30, 40};
  const RatingLoss loss = rating_loss(TrainOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.scale, std::sqrt(125.0f));
  EXPECT_FLOAT_EQ(loss.inverse_variance, 1 / 125.0f);
  EXPECT_FLOAT_EQ(predicted_rating(loss.mean, loss), 25.0f);
}

TEST(RatingLossOptions, EqualRatingsAreNoDivisionByZero) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 1, 1};
  const RatingLoss loss = rating_loss(TrainOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.scale, 1);
  EXPECT_FLOAT_EQ(predicted_rating(loss.mean, loss), 1);
}

TEST(RatingLossOptions, ARangeStartsAtTheMeanAndHoldsEveryRating) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 3, 5};
  TrainOptions options;
  options.rating_range = "0:5.5";
  const RatingLoss loss = rating_loss(options, {rows, rows, ratings, {}});
  EXPECT_NEAR(predicted_rating(loss.mean, loss), 3.0, 1e-5);
  options.rating_range = "1:4";
  EXPECT_THROW(rating_loss(options, {rows, rows, ratings, {}}), UsageError);
}

}  // namespace
}  // namespace unfold
