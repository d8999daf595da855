#include "host/models/mf/mf_family.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "unfold/error.hpp"

namespace unfold {
namespace {

TEST(MfFamily, EveryBadValueNamesItsOption) {
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

TEST(MfRatingLoss, MeanAndSpreadOfTheRatings) {
  const std::vector<Row> rows(4);
  const std::vector<float> ratings = {10, 20, 30, 40};
  const RatingLoss loss = rating_loss(MfOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.link.scale, std::sqrt(125.0f));
  EXPECT_FLOAT_EQ(loss.inverse_variance, 1 / 125.0f);
  EXPECT_FLOAT_EQ(predicted_rating(loss.link.mean, loss.link), 25.0f);
}

TEST(MfRatingLoss, EqualRatingsAreNoDivisionByZero) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 1, 1};
  const RatingLoss loss = rating_loss(MfOptions{}, {rows, rows, ratings, {}});
  EXPECT_FLOAT_EQ(loss.link.scale, 1);
  EXPECT_FLOAT_EQ(predicted_rating(loss.link.mean, loss.link), 1);
}

TEST(MfRatingLoss, ARangeStartsAtTheMeanAndHoldsEveryRating) {
  const std::vector<Row> rows(3);
  const std::vector<float> ratings = {1, 3, 5};
  MfOptions options;
  options.rating_range = "0:5.5";
  const RatingLoss loss = rating_loss(options, {rows, rows, ratings, {}});
  EXPECT_NEAR(predicted_rating(loss.link.mean, loss.link), 3.0, 1e-5);
  options.rating_range = "1:4";
  EXPECT_THROW(rating_loss(options, {rows, rows, ratings, {}}), UsageError);
}

}  // namespace
}  // namespace unfold
