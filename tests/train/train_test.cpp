#include "unfold/train.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "host/models/mf/mf_family.hpp"
#include "tests/support/columns.hpp"
#include "unfold/error.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

using test::Columns;

constexpr std::uint32_t kPlantedUsers = 200, kPlantedItems = 100;
constexpr double kNoise = 0.3;

// Ratings of a planted model of rank 2 with biases; every pair once with probability 1/2, a fifth of them held out.
void planted_ratings(double scale, Columns& train, Columns& held_out) {
  const auto normal = [](std::uint64_t purpose, std::uint64_t at) {
    const RandomBlock random = philox(7, at, purpose);
    double a = 0, b = 0;
    normal_pair(random.v[0], random.v[1], a, b);
    return a;
  };
  for (Row u = 0; u < kPlantedUsers; ++u) {
    for (Row i = 0; i < kPlantedItems; ++i) {
      const std::uint64_t pair = u * kPlantedItems + i;
      const float draw = uniform_float(philox(7, pair, 9).v[0]);
      if (draw > 0.5f) continue;
      double rating = 3 + 0.3 * normal(1, u) + 0.3 * normal(2, i) + kNoise * normal(3, pair);
      for (int k = 0; k < 2; ++k) rating += 0.7 * normal(4, 2 * u + k) * normal(5, 2 * i + k);
      Columns& part = draw < 0.1f ? held_out : train;
      part.add(u, i, static_cast<float>(scale * rating));
    }
  }
}

struct Planted {
  Columns train, held_out;
  explicit Planted(double scale = 1) { planted_ratings(scale, train, held_out); }
  TrainData data() const { return {train.view(), held_out.view(), kPlantedUsers, kPlantedItems}; }
};

MfFamily small_mf_run() {
  MfFamily family;
  family.own.dim = 8;
  family.run().epochs = 40;
  family.own.l2 = 0.01;
  family.run().threads = 1;
  return family;
}

double last_validation_rmse(const TrainResult& result) {
  return result.model.history.back().at("validation_rmse").get<double>();
}

// What the mean of the training ratings alone would score.
double mean_rmse(const Planted& planted) {
  double sum = 0, squares = 0;
  for (const float r : planted.train.ratings) sum += static_cast<double>(r);
  const double mean = sum / static_cast<double>(planted.train.ratings.size());
  for (const float r : planted.held_out.ratings) squares += std::pow(static_cast<double>(r) - mean, 2);
  return std::sqrt(squares / static_cast<double>(planted.held_out.ratings.size()));
}

struct MfRecipe {
  const char* optimizer;
  const char* schedule;
  double learning_rate;
  const char* range;
  bool deterministic;
  const char* table_type = "float32";
};
std::ostream& operator<<(std::ostream& out, const MfRecipe& r) {
  return out << r.optimizer << '_' << r.schedule << '_' << r.range << (r.deterministic ? "_deterministic" : "") << '_'
             << r.table_type;
}

class TrainRecipes : public testing::TestWithParam<MfRecipe> {};

TEST_P(TrainRecipes, RecoversThePlantedModel) {
  const MfRecipe recipe = GetParam();
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().optimizer = recipe.optimizer;
  family.run().schedule = recipe.schedule;
  family.run().learning_rate = recipe.learning_rate;
  family.own.rating_range = recipe.range;
  family.own.deterministic = recipe.deterministic;
  family.own.table_type = recipe.table_type;
  family.run().batch_size = recipe.deterministic ? 64 : 0;
  const auto backend = make_cpu_backend(2);
  const TrainResult result = train(*backend, planted.data(), family, {});
  EXPECT_EQ(result.outcome, TrainOutcome::kFinished);
  EXPECT_EQ(result.model.history.size(), family.run().epochs);
  for (const auto& line : result.model.history) {
    EXPECT_LT(line.at("wait_share"), 1.0);
  }
  const double rmse = last_validation_rmse(result);
  // Noise is the floor; a tenth of the way from it to the mean's error is far below what biases alone reach.
  EXPECT_GT(rmse, 0.95 * kNoise);
  EXPECT_LT(rmse, kNoise + 0.2 * (mean_rmse(planted) - kNoise));
}

INSTANTIATE_TEST_SUITE_P(
    Recipes, TrainRecipes,
    testing::Values(
        MfRecipe{"sgd", "linear", 0.05, "", false}, MfRecipe{"sgd", "constant", 0.02, "", true},
        MfRecipe{"sgd", "exponential", 0.1, "", false}, MfRecipe{"adagrad", "constant", 0.1, "", false},
        MfRecipe{"adagrad", "constant", 0.1, "", true}, MfRecipe{"rowwise-adagrad", "linear", 0.2, "", false},
        MfRecipe{"rowwise-adagrad", "linear", 0.2, "", true}, MfRecipe{"adam", "one-cycle", 0.01, "", false},
        MfRecipe{"adam", "one-cycle", 0.01, "-4:10", true}, MfRecipe{"sgd", "linear", 0.05, "-4:10", false},
        MfRecipe{"sgd", "linear", 0.05, "", false, "float16"}, MfRecipe{"sgd", "linear", 0.05, "", false, "bfloat16"},
        MfRecipe{"rowwise-adagrad", "linear", 0.2, "", true, "bfloat16"},
        MfRecipe{"adam", "one-cycle", 0.01, "", true, "float16"},
        MfRecipe{"adagrad", "constant", 0.1, "", false, "bfloat16"}));

TEST(Train, TablesOf16BitsRepeatThemselvesAndAreExactInTheModel) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().epochs = 3;
  family.own.rating_range = "-4:10";  // so that the model's weights are those of the tables
  for (const char* const type : {"float16", "bfloat16"}) {
    family.own.table_type = type;
    for (const bool deterministic : {false, true}) {
      family.own.deterministic = deterministic;
      std::vector<Model> models;
      for (const unsigned threads : {1u, deterministic ? 3u : 1u}) {
        const auto backend = make_cpu_backend(threads);
        models.push_back(train(*backend, planted.data(), family, {}).model);
      }
      EXPECT_EQ(models[0].tensors.at("user.embedding").data, models[1].tensors.at("user.embedding").data) << type;
      EXPECT_EQ(models[0].tensors.at("item.embedding").data, models[1].tensors.at("item.embedding").data) << type;
      EXPECT_EQ(models[0].tensors.at("user.bias").data, models[1].tensors.at("user.bias").data) << type;
      for (const float x : models[0].tensors.at("user.embedding").data) {
        const bool is_float16 = std::string(type) == "float16";
        ASSERT_EQ(x, is_float16 ? to_float(round_nearest<Float16>(x)) : to_float(round_nearest<Bfloat16>(x))) << type;
      }
    }
  }
}

TEST(Train, ThePlanNamesTheTypeAndHalfTheBytes) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().epochs = 1;
  family.own.dim = 64;
  std::uint64_t bytes[2] = {};
  for (const int half : {0, 1}) {
    family.own.table_type = half ? "bfloat16" : "float32";
    TrainCallbacks callbacks;
    callbacks.plan = [&](const MemoryPlan& plan) {
      for (const auto& entry : plan.entries) {
        if (entry.name == "user.embedding [200, 64] " + family.own.table_type) bytes[half] = entry.bytes;
      }
    };
    const auto backend = make_cpu_backend(1);
    train(*backend, planted.data(), family, callbacks);
  }
  EXPECT_EQ(bytes[0], 4u * 64 * kPlantedUsers);
  EXPECT_EQ(bytes[1], 2u * 64 * kPlantedUsers);
}

TEST(Train, DeterministicUpdateGivesEqualBitsForAnyThreads) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().epochs = 3;
  family.own.deterministic = true;
  for (const char* optimizer : {"sgd", "adagrad", "rowwise-adagrad", "adam"}) {
    family.run().optimizer = optimizer;
    std::vector<Model> models;
    for (const unsigned threads : {1u, 2u, 5u}) {
      const auto backend = make_cpu_backend(threads);
      models.push_back(train(*backend, planted.data(), family, {}).model);
    }
    for (const Model& model : models) {
      EXPECT_EQ(model.tensors, models[0].tensors) << optimizer;
      EXPECT_EQ(model.history.back().at("train_rmse"), models[0].history.back().at("train_rmse")) << optimizer;
    }
  }
}

TEST(Train, ARunRepeatsItselfAndSeedsDiffer) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().epochs = 2;
  family.run().batch_size = 1 << 20;  // enough for every thread
  const auto backend = make_cpu_backend(3);
  const Model first = train(*backend, planted.data(), family, {}).model;
  const Model again = train(*backend, planted.data(), family, {}).model;
  family.run().seed = 2;
  const Model other = train(*backend, planted.data(), family, {}).model;
  EXPECT_EQ(first.tensors.at("user.embedding").data, again.tensors.at("user.embedding").data);
  EXPECT_NE(first.tensors.at("user.embedding").data, other.tensors.at("user.embedding").data);
}

TEST(Train, RatingsTimesAHundredGiveTheSameModelTimesAHundred) {
  const Planted planted(1), large(100);
  const auto backend = make_cpu_backend(1);
  const double rmse = last_validation_rmse(train(*backend, planted.data(), small_mf_run(), {}));
  const double large_rmse = last_validation_rmse(train(*backend, large.data(), small_mf_run(), {}));
  EXPECT_NEAR(large_rmse / 100, rmse, 1e-3 * rmse);
}

TEST(Train, RowsWithoutTrainingRatingsPredictTheMeanAndStayZero) {
  Planted planted;
  TrainData data = planted.data();
  data.n_users = kPlantedUsers + 1;
  data.n_items = kPlantedItems + 2;
  const auto backend = make_cpu_backend(1);
  const Model model = train(*backend, data, small_mf_run(), {}).model;
  ASSERT_EQ(model.tensors.at("user.embedding").rows(), kPlantedUsers + 1);
  for (std::uint32_t k = 0; k < 8; ++k) EXPECT_EQ(model.tensors.at("user.embedding").data[kPlantedUsers * 8 + k], 0.0f);
  EXPECT_EQ(model.tensors.at("user.bias").data[kPlantedUsers], 0.0f);
  EXPECT_EQ(model.tensors.at("item.bias").data[kPlantedItems + 1], 0.0f);
}

TEST(Train, WithoutBiasesTheyStayZero) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.own.no_bias = true;
  for (const bool deterministic : {false, true}) {
    family.own.deterministic = deterministic;
    const auto backend = make_cpu_backend(1);
    const Model model = train(*backend, planted.data(), family, {}).model;
    EXPECT_EQ(model.tensors.at("user.bias").data, std::vector<float>(kPlantedUsers)) << deterministic;
    EXPECT_EQ(model.tensors.at("item.bias").data, std::vector<float>(kPlantedItems)) << deterministic;
  }
}

TEST(Train, KeepsTheBestEpochByValidationAndStopsEarly) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.own.dim = 64;
  family.own.l2 = 0;  // overfits
  family.run().schedule = "constant";
  family.run().epochs = 300;
  family.run().patience = 3;
  const auto backend = make_cpu_backend(1);
  const TrainResult result = train(*backend, planted.data(), family, {});
  EXPECT_EQ(result.outcome, TrainOutcome::kEarlyStopped);
  const auto& history = result.model.history;
  ASSERT_EQ(history.size(), result.best_epoch + 3u);
  for (const auto& line : history) {
    EXPECT_GE(line.at("validation_rmse"), history[result.best_epoch - 1].at("validation_rmse"));
  }
  // The model is that epoch's, not the last one's.
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, result.model);
  EXPECT_NEAR(evaluate_ratings(*backend, *scorer, planted.held_out.view()).rmse,
              history[result.best_epoch - 1].at("validation_rmse").get<double>(), 1e-5);
}

TEST(Train, ModelPredictsWhatTrainingReported) {
  const Planted planted;
  for (const char* range : {"", "-4:10"}) {
    MfFamily family = small_mf_run();
    family.own.rating_range = range;
    const auto backend = make_cpu_backend(1);
    const TrainResult result = train(*backend, planted.data(), family, {});
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, result.model);
    const RatingMetrics metrics = evaluate_ratings(*backend, *scorer, planted.held_out.view());
    EXPECT_NEAR(metrics.rmse, result.model.history[result.best_epoch - 1].at("validation_rmse").get<double>(), 1e-5);
  }
}

TEST(Train, DivergenceNamesEpochAndStepAndKeepsTheLastGoodModel) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().learning_rate = 1000;
  family.run().schedule = "constant";
  const auto backend = make_cpu_backend(1);
  const TrainResult at_once = train(*backend, planted.data(), family, {});
  EXPECT_EQ(at_once.outcome, TrainOutcome::kDiverged);
  EXPECT_FALSE(at_once.has_model);
  EXPECT_NE(at_once.message.find("epoch 1, step "), std::string::npos) << at_once.message;
  EXPECT_NE(at_once.message.find("--learning-rate"), std::string::npos) << at_once.message;

  // The one-cycle rate starts at a 25th of its peak and blows up later.
  family.run().schedule = "one-cycle";
  family.run().learning_rate = 3;
  family.run().warmup = 0.9;
  const TrainResult later = train(*backend, planted.data(), family, {});
  ASSERT_EQ(later.outcome, TrainOutcome::kDiverged) << later.model.history.size();
  ASSERT_TRUE(later.has_model);
  EXPECT_GE(later.best_epoch, 1u);
  for (const float value : later.model.tensors.at("user.embedding").data) ASSERT_TRUE(std::isfinite(value));
}

TEST(Train, AStopEndsAfterTheBatchWithTheModelSoFar) {
  const Planted planted;
  MfFamily family = small_mf_run();
  family.run().batch_size = 100;
  TrainData data = planted.data();
  data.validation = {};
  int asked = 0;
  TrainCallbacks callbacks;
  callbacks.stop = [&] { return ++asked == 5; };
  const auto backend = make_cpu_backend(1);
  const TrainResult result = train(*backend, data, family, callbacks);
  EXPECT_EQ(result.outcome, TrainOutcome::kInterrupted);
  EXPECT_EQ(asked, 5);
  EXPECT_TRUE(result.has_model);
  EXPECT_EQ(result.model.tensors.at("user.embedding").rows(), kPlantedUsers);
  EXPECT_EQ(result.best_epoch, 1u);
}

TEST(Train, ReportsProgressAndThePlanBeforeItAllocates) {
  const Planted planted;
  int plans = 0, epochs = 0;
  double last_progress = 0;
  TrainCallbacks callbacks;
  callbacks.plan = [&](const MemoryPlan&) {
    ++plans;
    EXPECT_EQ(epochs, 0);
  };
  callbacks.evaluation = [&](const nlohmann::ordered_json& line) {
    ++epochs;
    EXPECT_EQ(line.at("epoch"), epochs);
    EXPECT_GT(line.at("ratings_per_second"), 0.0);
  };
  callbacks.progress = [&](const TrainProgress& progress) {
    const double now = progress.epoch - 1 + progress.epoch_progress;
    EXPECT_GE(now, last_progress);
    last_progress = now;
  };
  const auto backend = make_cpu_backend(1);
  train(*backend, planted.data(), small_mf_run(), callbacks);
  EXPECT_EQ(plans, 1);
  EXPECT_EQ(epochs, 40);
  EXPECT_EQ(last_progress, 40);
}

TEST(Train, RefusesAnEmptyTrainingPart) {
  const auto backend = make_cpu_backend(1);
  EXPECT_THROW(train(*backend, {{}, {}, 3, 3}, MfFamily(), {}), UsageError);
}

TEST(Train, EveryDimensionTrains) {
  const Planted planted;
  const auto backend = make_cpu_backend(1);
  for (const std::uint32_t dim : {1u, 3u, 16u, 17u, 50u, 100u, 1024u}) {
    MfFamily family = small_mf_run();
    family.own.dim = dim;
    family.run().epochs = 15;
    const TrainResult result = train(*backend, planted.data(), family, {});
    EXPECT_EQ(result.model.tensors.at("user.embedding").data.size(), std::size_t{kPlantedUsers} * dim);
    EXPECT_LT(last_validation_rmse(result), 0.95 * mean_rmse(planted)) << dim;
  }
}

}  // namespace
}  // namespace unfold
