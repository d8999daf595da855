// Model softmax, end to end on groups of users and items that only meet inside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "host/models/softmax/softmax_family.hpp"
#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/error.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kGroups = 6, kGroupUsers = 20, kGroupItems = 15;
constexpr std::uint32_t kUsers = kGroups * kGroupUsers, kItems = kGroups * kGroupItems;

using test::Columns;

// Three in five of a group's pairs, in a random order; a fifth of them held out.
struct Groups {
  Columns train, held_out;
  Groups() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
    for (std::uint32_t pair = 0; pair < kUsers * kGroupItems; ++pair) order.emplace_back(philox(5, pair, 1).v[0], pair);
    std::ranges::sort(order);
    for (const auto& [draw, pair] : order) {
      const Row user = pair / kGroupItems, item = user / kGroupUsers * kGroupItems + pair % kGroupItems;
      const float share = uniform_float(philox(5, pair, 2).v[0]);
      if (share < 0.6f) (share < 0.12f ? held_out : train).add(user, item);
    }
  }
  TrainData data() const { return {train.view(), held_out.view(), kUsers, kItems, nullptr}; }
};

SoftmaxFamily small_run() {
  SoftmaxFamily family;
  family.own.dim = 8;
  family.run().epochs = 60;
  family.run().batch_size = 64;
  family.own.n_negatives = 32;
  family.run().learning_rate = 0.05;
  family.own.temperature = 0.3;  // items of a group differ by nothing that could be learned
  family.run().patience = 0;
  return family;
}

// The share of a user's five best unseen items that are of another group.
double folding(const Model& model, const Columns& train) {
  std::vector<std::set<Row>> seen(kUsers);
  for (std::size_t n = 0; n < train.users.size(); ++n) seen[train.users[n]].insert(train.items[n]);
  double n_other = 0;
  for (Row user = 0; user < kUsers; ++user) {
    std::vector<std::pair<float, Row>> scores;
    for (Row item = 0; item < kItems; ++item) {
      if (seen[user].contains(item)) continue;
      float score = model.tensors.at("item.bias").data[item];
      const Tensor& users = model.tensors.at("user.embedding");
      for (std::uint32_t k = 0; k < users.cols(); ++k) {
        score += users.row(user)[k] * model.tensors.at("item.embedding").row(item)[k];
      }
      scores.emplace_back(-score, item);
    }
    std::ranges::sort(scores);
    for (int k = 0; k < 5; ++k) n_other += scores[k].second / kGroupItems != user / kGroupUsers ? 1 : 0;
  }
  return n_other / (5.0 * kUsers);
}

struct Recipe {
  const char* name;
  void (*change)(SoftmaxFamily&);
};
std::ostream& operator<<(std::ostream& out, const Recipe& recipe) { return out << recipe.name; }

class SoftmaxRecipes : public testing::TestWithParam<Recipe> {};

TEST_P(SoftmaxRecipes, KeepsGroupsApartAndFindsHeldOutItems) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  GetParam().change(family);
  const auto backend = make_cpu_backend(2);
  const TrainResult result = train(*backend, groups.data(), family, {});
  EXPECT_EQ(result.outcome, TrainOutcome::kFinished);
  EXPECT_EQ(result.model.kind, "softmax");
  // A user has some eight unseen items of his own group, among them one or two held out, and 75 of others.
  EXPECT_LT(folding(result.model, groups.train), 0.05);
  const nlohmann::ordered_json& line = result.model.history.back();
  EXPECT_GT(line.at("validation_recall@20"), 0.9);
  EXPECT_TRUE(std::isfinite(line.at("train_loss").get<double>()));
  if (family.own.weight_rank == 0) {  // else the loss's weights change on the way
    EXPECT_LT(line.at("train_loss"), result.model.history.front().at("train_loss"));
  }
  EXPECT_GT(line.at("negatives"), 0u);
  if (family.own.own_negatives) {
    EXPECT_EQ(line.at("rejected"), 0u) << "uniform draws of a query's own pass over what it knows";
  } else if (family.own.negatives.find("hard") != 0 && family.own.negatives.find("score") != 0) {
    EXPECT_GT(line.at("rejected"), 0u);
    EXPECT_LT(line.at("rejected"), line.at("negatives"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SoftmaxRecipes,
    testing::Values(Recipe{"Default", [](SoftmaxFamily&) {}},  //
                    Recipe{"Bsl", [](SoftmaxFamily& o) { o.own.loss = "bsl"; }},
                    Recipe{"PositiveInDenominator",
                           [](SoftmaxFamily& o) {
                             o.own.loss = "softmax";
                             o.own.positive_in_denominator = true;
                           }},
                    Recipe{"Bpr", [](SoftmaxFamily& o) { o.own.loss = "bpr"; }},
                    Recipe{"PositiveTemperature",
                           [](SoftmaxFamily& o) {
                             o.own.loss = "bsl";
                             o.own.positive_temperature = 0.15;
                           }},
                    Recipe{"DotWithBias",
                           [](SoftmaxFamily& o) {
                             o.own.score = "dot";
                             o.own.temperature = 1;
                             o.own.loss = "softmax";
                             o.run().learning_rate = 0.02;
                             o.run().epochs = 30;
                           }},
                    Recipe{"DotWithPenalty",
                           [](SoftmaxFamily& o) {
                             o.own.score = "dot";
                             o.own.l2 = 0.02;
                             o.run().learning_rate = 0.02;
                             o.run().epochs = 30;
                           }},
                    Recipe{"FewItemsInTheDenominator",
                           [](SoftmaxFamily& o) {
                             o.own.positive_in_denominator = true;
                             o.own.denominator_items = 10;
                           }},
                    Recipe{"BalancedUsers", [](SoftmaxFamily& o) { o.own.user_balance = 1; }},
                    Recipe{"WithoutBias", [](SoftmaxFamily& o) { o.own.no_bias = true; }},
                    Recipe{"WeightedByRank",
                           [](SoftmaxFamily& o) {
                             o.own.weight_rank = 10;
                             o.own.refresh_epochs = 2;
                             o.own.no_bias = true;
                           }},
                    Recipe{"Popularity", [](SoftmaxFamily& o) { o.own.negatives = "popularity:0.75"; }},
                    Recipe{"InBatch", [](SoftmaxFamily& o) { o.own.negatives = "in-batch"; }},
                    Recipe{"Mixed", [](SoftmaxFamily& o) { o.own.negatives = "mixed:0.5"; }},
                    Recipe{"Full",
                           [](SoftmaxFamily& o) {
                             o.own.negatives = "full";
                             o.own.loss = "softmax";
                             o.own.positive_in_denominator = true;
                           }},
                    Recipe{"Own", [](SoftmaxFamily& o) { o.own.own_negatives = true; }},
                    Recipe{"Hard", [](SoftmaxFamily& o) { o.own.negatives = "hard:16/64"; }},
                    Recipe{"HardOfOwn",
                           [](SoftmaxFamily& o) {
                             o.own.negatives = "hard:8/32";
                             o.own.own_negatives = true;
                           }},
                    Recipe{"UniformAndHard", [](SoftmaxFamily& o) { o.own.negatives = "uniform+hard:4/64"; }},
                    Recipe{"ScoreWeighted", [](SoftmaxFamily& o) { o.own.negatives = "score-weighted:8/64"; }},
                    Recipe{"Adaptive", [](SoftmaxFamily& o) { o.own.negatives = "uniform+adaptive:4/64"; }},
                    Recipe{"Mined",
                           [](SoftmaxFamily& o) {
                             o.own.negatives = "uniform+mined:4/10";
                             o.own.mined_skip = 20;
                             o.own.refresh_epochs = 3;
                           }},
                    Recipe{"Float16", [](SoftmaxFamily& o) { o.own.table_type = "float16"; }},
                    Recipe{"Bfloat16", [](SoftmaxFamily& o) { o.own.table_type = "bfloat16"; }},
                    Recipe{"Bfloat16Scores", [](SoftmaxFamily& o) { o.own.score_type = "bfloat16"; }},
                    Recipe{"FusedScores",
                           [](SoftmaxFamily& o) {
                             o.own.score_type = "bfloat16";
                             o.own.fused_softmax = true;
                           }}),
    [](const auto& test) { return test.param.name; });

// The mean squared length of the rows.
double squared_length(const Tensor& matrix) {
  double sum = 0;
  for (const float x : matrix.data) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum / static_cast<double>(matrix.rows());
}

TEST(Softmax, APenaltyShortensVectorsToNothing) {
  const Groups groups;
  TrainData data = groups.data();
  data.validation = {};  // the last epoch's model
  SoftmaxFamily family = small_run();
  family.own.score = "dot";
  family.run().learning_rate = 0.02;
  const auto backend = make_cpu_backend(2);
  double last_users = 1e9, last_items = 1e9;
  for (const double l2 : {0.0, 0.3, 10.0}) {
    family.own.l2 = l2;
    const Model model = train(*backend, data, family, {}).model;
    const double users = squared_length(model.tensors.at("user.embedding")),
                 items = squared_length(model.tensors.at("item.embedding"));
    EXPECT_LT(users, 0.8 * last_users) << l2;
    EXPECT_LT(items, 0.8 * last_items) << l2;
    last_users = users;
    last_items = items;
  }
  EXPECT_LT(last_users, 1e-3) << "a penalty of 10 is more than any gradient of the loss";
  EXPECT_LT(last_items, 1e-3);
}

// Batches of one group each: in-batch negatives never tell a user of another group's items, however often they come.
TEST(Softmax, MixedNegativesMendBatchesOfOneGroup) {
  const Groups groups;
  std::vector<std::string> names(kItems);
  for (Row item = 0; item < kItems; ++item) names[item] = std::string(1, static_cast<char>('a' + item / kGroupItems));
  const ItemGroups item_groups = make_item_groups(names);
  TrainData data = groups.data();
  data.groups = &item_groups;
  SoftmaxFamily family = small_run();
  family.run().batch_size = 16;
  family.run().group_batches = true;
  const auto backend = make_cpu_backend(2);
  const auto folding_with = [&](const char* negatives) {
    family.own.negatives = negatives;
    return folding(train(*backend, data, family, {}).model, groups.train);
  };
  EXPECT_GT(folding_with("in-batch"), 0.5);
  EXPECT_LT(folding_with("mixed:0.5"), 0.05);
  EXPECT_LT(folding_with("uniform"), 0.05);
}

TEST(Softmax, BatchesOfOneGroupNeedGroups) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  family.run().group_batches = true;
  const auto backend = make_cpu_backend(1);
  EXPECT_THROW(train(*backend, groups.data(), family, {}), UsageError);
}

TEST(Softmax, HasEqualBitsForAnyNumberOfThreads) {
  const Groups groups;
  for (const char* negatives : {"uniform", "mixed:0.3", "uniform+hard:4/32"}) {
    SoftmaxFamily family = small_run();
    family.run().epochs = 3;
    family.own.negatives = negatives;
    family.own.weight_rank = 5;
    std::vector<Model> models;
    for (const unsigned threads : {1u, 2u, 5u}) {
      const auto backend = make_cpu_backend(threads);
      models.push_back(train(*backend, groups.data(), family, {}).model);
    }
    for (const Model& model : models) {
      EXPECT_EQ(model.tensors.at("user.embedding").data, models[0].tensors.at("user.embedding").data) << negatives;
      EXPECT_EQ(model.tensors.at("item.embedding").data, models[0].tensors.at("item.embedding").data) << negatives;
    }
  }
}

TEST(Softmax, WritesUnitRowsForCosines) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  family.run().epochs = 1;
  const auto backend = make_cpu_backend(1);
  const Model model = train(*backend, groups.data(), family, {}).model;
  for (const Tensor* matrix : {&model.tensors.at("user.embedding"), &model.tensors.at("item.embedding")}) {
    for (std::uint64_t r = 0; r < matrix->rows(); ++r) {
      double squares = 0;
      for (const float x : matrix->row(r)) squares += std::pow(x, 2);
      EXPECT_NEAR(squares, 1, 1e-5) << r;
    }
  }
}

TEST(Softmax, LearnsItsTemperature) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  family.own.loss = "softmax";
  family.own.positive_in_denominator = true;
  family.own.learn_temperature = true;
  family.own.temperature = 1;  // far too high for cosines
  const auto backend = make_cpu_backend(2);
  const TrainResult result = train(*backend, groups.data(), family, {});
  EXPECT_LT(result.model.history.back().at("temperature"), 0.7);
  EXPECT_GT(result.model.history.back().at("temperature"), 0.0);
}

TEST(Softmax, StopsEarlyByNdcg) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  family.run().epochs = 200;
  family.run().patience = 3;
  const auto backend = make_cpu_backend(2);
  const TrainResult result = train(*backend, groups.data(), family, {});
  EXPECT_EQ(result.outcome, TrainOutcome::kEarlyStopped);
  const auto& history = result.model.history;
  ASSERT_EQ(history.size(), result.best_epoch + 3u);
  const auto ndcg = [&](std::size_t epoch) { return history[epoch - 1].at("validation_ndcg@20").get<double>(); };
  for (std::size_t epoch = 1; epoch <= history.size(); ++epoch)
    EXPECT_LE(ndcg(epoch), ndcg(result.best_epoch)) << epoch;
}

TEST(Softmax, AUserWhoKnowsEveryItemTakesPart) {
  Groups groups;
  for (Row item = 0; item < kItems; ++item) groups.train.add(0, item);
  for (const char* negatives : {"uniform", "hard:4/16", "full"}) {
    for (const bool own : {false, true}) {
      if (own && std::string(negatives) == "full") continue;
      SoftmaxFamily family = small_run();
      family.run().epochs = 2;
      family.own.negatives = negatives;
      family.own.own_negatives = own;
      const auto backend = make_cpu_backend(2);
      const TrainResult result = train(*backend, groups.data(), family, {});
      EXPECT_EQ(result.outcome, TrainOutcome::kFinished) << negatives << ' ' << own;
    }
  }
}

class SoftmaxScores : public test::BackendParity {};

// The model has other bits and has learned the same. The CPU fuses nothing.
TEST_P(SoftmaxScores, Of16BitsReachTheOp) {
  const Groups groups;
  SoftmaxFamily family = small_run();
  family.run().epochs = 1;
  family.run().batch_size = 256;
  const TrainResult wide = train(backend(), groups.data(), family, {});
  family.own.score_type = "bfloat16";
  const double loss = wide.model.history.back().at("train_loss");
  const auto embedding = [](const TrainResult& result) { return result.model.tensors.at("item.embedding").data; };
  std::vector<std::vector<float>> of_both;
  for (const bool fused : {false, true}) {
    family.own.fused_softmax = fused;
    const TrainResult narrow = train(backend(), groups.data(), family, {});
    EXPECT_NEAR(narrow.model.history.back().at("train_loss").get<double>(), loss, 0.02 * std::abs(loss)) << fused;
    EXPECT_NE(embedding(narrow), embedding(wide)) << fused;
    of_both.push_back(embedding(narrow));
  }
  EXPECT_EQ(of_both[0] == of_both[1], backend().name() == "cpu");
}

using test::kBackends;
UNFOLD_FOR_EVERY_BACKEND(SoftmaxScores);

}  // namespace
}  // namespace unfold
