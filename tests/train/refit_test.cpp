// Training again on training and validation together, and what a floor of the positives and numbers out of bounds do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/eval/eval_support.hpp"
#include "unfold/error.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kRefitUsers = 40, kRefitItems = 30;

// Users like the items of their own half, 5 stars, and now and then rate one of the other half, low.
struct Halves {
  test::Interactions train, validation, all;
  explicit Halves(float low = 1, float high = 5) {
    for (Row user = 0; user < kRefitUsers; ++user) {
      for (Row item = 0; item < kRefitItems; ++item) {
        const RandomBlock block = philox(11, user * kRefitItems + item, 0);
        const bool own = user % 2 == item % 2;
        if (uniform_float(block.v[0]) > (own ? 0.5f : 0.35f)) continue;
        const bool held_out = own && uniform_float(block.v[1]) < 0.2f;
        (held_out ? validation : train).add(user, item, own ? high : low);
      }
    }
    all = train;
    for (std::size_t n = 0; n < validation.users.size(); ++n) {
      all.add(validation.users[n], validation.items[n], validation.ratings[n]);
    }
  }
  TrainData data() const { return {train.view(), validation.view(), kRefitUsers, kRefitItems, nullptr}; }
};

std::unique_ptr<ModelFamily> run_of(const std::string& model) {
  auto family = make_family(model);
  family->set("dim", "8");
  family->run().epochs = 12;
  family->run().batch_size = 64;
  family->run().patience = 0;
  if (model == "mf") {
    family->set("deterministic", "true");
  } else {
    family->set("temperature", "0.3");
    family->set("n-negatives", "16");
    family->run().learning_rate = 0.05;
  }
  return family;
}

void expect_same_weights(const Model& a, const Model& b) { EXPECT_EQ(a.tensors, b.tensors); }

class Refit : public testing::TestWithParam<const char*> {};

TEST_P(Refit, IsATrainingOnBothPartsOfTheEpochsThatValidationChose) {
  const Halves halves;
  const auto backend = make_cpu_backend(2);
  const auto family = run_of(GetParam());
  const TrainResult chosen = train(*backend, halves.data(), *family, {});
  EXPECT_TRUE(chosen.validated);
  EXPECT_FALSE(chosen.refitted);

  family->run().refit = true;
  TrainCallbacks callbacks;
  Model before;
  callbacks.chosen = [&](TrainResult& result) {
    before.tensors = result.model.tensors;
    before.history = result.model.history;
  };
  const TrainResult result = train(*backend, halves.data(), *family, callbacks);
  EXPECT_TRUE(result.refitted);
  EXPECT_EQ(result.best_epoch, chosen.best_epoch);
  expect_same_weights(before, chosen.model);
  EXPECT_EQ(before.history.size(), family->run().epochs);
  ASSERT_EQ(result.model.history.size(), family->run().epochs + chosen.best_epoch);
  for (std::uint32_t epoch = 0; epoch < chosen.best_epoch; ++epoch) {
    const auto& line = result.model.history[family->run().epochs + epoch];
    EXPECT_EQ(line.at("refit"), true);
    EXPECT_EQ(line.at("epoch"), epoch + 1);
    EXPECT_FALSE(line.contains("validation_ndcg@20") || line.contains("validation_rmse"));
    // The rate at the end of an epoch lies on the same curve; with other numbers of batches, not at the same point.
    EXPECT_NEAR(line.at("learning_rate").get<double>(), result.model.history[epoch].at("learning_rate").get<double>(),
                family->run().learning_rate / family->run().epochs);
  }

  // At a constant rate, a run of as many epochs on both parts is the same.
  family->run().schedule = "constant";
  const TrainResult constant = train(*backend, halves.data(), *family, {});
  ASSERT_TRUE(constant.refitted);
  family->run().refit = false;
  family->run().epochs = constant.best_epoch;
  const TrainResult direct = train(*backend, {halves.all.view(), {}, kRefitUsers, kRefitItems, nullptr}, *family, {});
  if (family->predicts_ratings()) expect_same_weights(constant.model, direct.model);
}

INSTANTIATE_TEST_SUITE_P(Models, Refit, testing::Values("mf", "softmax"));

TEST(RefitWithout, AValidationPartOrAnythingToScoreInItThereIsNone) {
  const Halves halves;
  const auto backend = make_cpu_backend(1);
  const auto family = run_of("softmax");
  family->run().refit = true;
  family->run().patience = 2;
  EXPECT_FALSE(train(*backend, {halves.train.view(), {}, kRefitUsers, kRefitItems, nullptr}, *family, {}).refitted);
  test::Interactions nothing;
  nothing.add(kNoRow, 3);
  nothing.add(2, kNoRow);
  nothing.add(halves.train.users[0], halves.train.items[0]);
  std::string notice;
  TrainCallbacks callbacks;
  callbacks.notice = [&](const std::string& text) { notice = text; };
  const TrainResult result =
      train(*backend, {halves.train.view(), nothing.view(), kRefitUsers, kRefitItems, nullptr}, *family, callbacks);
  EXPECT_FALSE(result.refitted);
  EXPECT_FALSE(result.validated);
  EXPECT_EQ(result.outcome, TrainOutcome::kFinished) << "nothing stops it early";
  EXPECT_EQ(result.best_epoch, family->run().epochs);
  EXPECT_TRUE(result.model.history.front().at("validation_ndcg@20").is_null());
  EXPECT_NE(notice.find("nothing that can be scored"), std::string::npos) << notice;
}

TEST(RefitInterrupted, KeepsTheModelThatValidationChose) {
  const Halves halves;
  const auto backend = make_cpu_backend(1);
  const auto family = run_of("softmax");
  const TrainResult chosen = train(*backend, halves.data(), *family, {});
  family->run().refit = true;
  bool stop = false;
  TrainCallbacks callbacks;
  callbacks.stop = [&] { return stop; };
  callbacks.chosen = [&](TrainResult&) { stop = true; };
  const TrainResult result = train(*backend, halves.data(), *family, callbacks);
  EXPECT_EQ(result.outcome, TrainOutcome::kInterrupted);
  EXPECT_FALSE(result.refitted);
  expect_same_weights(result.model, chosen.model);
}

// The share of the best five items of each user, all of them ranked, that are of the user's own half.
double own_share(const Model& model) {
  double n_own = 0;
  for (Row user = 0; user < kRefitUsers; ++user) {
    std::vector<std::pair<double, Row>> scores;
    for (Row item = 0; item < kRefitItems; ++item) {
      scores.emplace_back(-test::model_score(model, user, item), item);
    }
    std::ranges::sort(scores);
    for (int k = 0; k < 5; ++k) n_own += scores[k].second % 2 == user % 2 ? 1 : 0;
  }
  return n_own / (5.0 * kRefitUsers);
}

TEST(PositiveFrom, CampsSeparateByTheScaleOrByTheLineDrawn) {
  const auto backend = make_cpu_backend(2);
  const auto share = [&](const Halves& halves, const std::string& positive_from) {
    const auto family = run_of("softmax");
    family->run().epochs = 40;
    family->set("positive-from", positive_from);
    return own_share(train(*backend, {halves.train.view(), {}, kRefitUsers, kRefitItems, nullptr}, *family, {}).model);
  };
  const Halves votes(-1, 1), stars(1, 5), zeros(0, 4.5f);
  EXPECT_GT(share(votes, ""), 0.95);
  EXPECT_GT(share(zeros, ""), 0.95);
  EXPECT_GT(share(stars, "4"), 0.95);
  EXPECT_LT(share(votes, "-1"), 0.85) << "all of them count, as asked for";
  EXPECT_LT(share(stars, ""), 0.85);
}

TEST(PositiveFrom, TheScaleSaysWhere) {
  const auto family = make_family("softmax");
  const std::vector<Row> rows = {0, 0, 0};
  const auto threshold = [&](std::vector<float> ratings) { return family->positive_from({rows, rows, ratings, {}}); };
  EXPECT_EQ(threshold({-1, 1, 1}), 1.0f);
  EXPECT_EQ(threshold({0, 4.7f, 0.5f}), 0.5f);
  EXPECT_EQ(threshold({1, 3, 5}), std::nullopt);
  EXPECT_EQ(threshold({0, 0, 0}), std::nullopt) << "no scale: pairs";
  EXPECT_THROW(threshold({-2, -1, 0}), DataError);
  family->set("positive-from", "4.7");
  EXPECT_EQ(threshold({0, 4.7f, 0.5f}), 4.7f);
  EXPECT_EQ(make_family("mf")->positive_from({rows, rows, std::vector<float>{-1, 1, 1}, {}}), std::nullopt);
}

TEST(PositiveFrom, NothingAboveTheLineIsAnError) {
  const Halves halves;
  const auto family = run_of("softmax");
  family->set("positive-from", "5.5");
  const auto backend = make_cpu_backend(1);
  try {
    train(*backend, halves.data(), *family, {});
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("lower --positive-from"), std::string::npos) << error.what();
  }
}

TEST(Finite, EveryModelThatIsKeptIs) {
  const Halves halves;
  const auto backend = make_cpu_backend(1);
  const auto family = run_of("softmax");
  family->run().epochs = 3;
  for (const auto& [rate, type] : {std::pair{1e38, "float32"}, {70000.0, "float16"}}) {
    for (const bool validated : {true, false}) {
      family->run().learning_rate = rate;
      family->set("table-type", type);
      TrainData data = halves.data();
      if (!validated) data.validation = {};
      const TrainResult result = train(*backend, data, *family, {});
      EXPECT_EQ(result.outcome, TrainOutcome::kDiverged) << rate;
      EXPECT_NE(result.message.find("finite"), std::string::npos) << result.message;
      if (!result.has_model) continue;
      for (const auto& [name, tensor] : result.model.tensors) {
        EXPECT_TRUE(std::ranges::all_of(tensor.data, [](float x) { return std::isfinite(x); })) << rate << name;
      }
    }
  }
}

TEST(Finite, RatingsThatFloatsCannotSquareAreRefused) {
  const auto backend = make_cpu_backend(1);
  const auto family = run_of("mf");
  for (const auto& [low, high] : {std::pair{1e30f, 3e30f}, {1e-30f, 3e-30f}, {-1e30f, 5.0f}, {1e30f, 1e30f}}) {
    const Halves halves(low, high);
    EXPECT_THROW(train(*backend, halves.data(), *family, {}), DataError) << low << ' ' << high;
  }
  for (const auto& [low, high] : {std::pair{1e12f, 3e12f}, {1e-12f, 3e-12f}, {0.0f, 0.0f}}) {
    const Halves halves(low, high);
    EXPECT_EQ(train(*backend, halves.data(), *family, {}).outcome, TrainOutcome::kFinished) << low << ' ' << high;
  }
}

}  // namespace
}  // namespace unfold
