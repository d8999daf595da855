#include "host/models/softmax/softmax_family.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "unfold/error.hpp"

namespace unfold {
namespace {

TEST(SoftmaxFamily, OptionsAreRefusedWithTheirName) {
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
  refused("fused-softmax", [](SoftmaxFamily& o) { o.own.fused_softmax = true; });
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

TEST(SoftmaxFamily, PositivesWeighByRatingWithAMeanOfOne) {
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
}

TEST(SoftmaxFamily, BalancedUsersCountAlikeWhateverTheyChose) {
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

}  // namespace
}  // namespace unfold
