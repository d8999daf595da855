// A family that streams no batches: its place in the loop, from the plan to the model on disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/models/trainable.hpp"
#include "host/score/product_scorer.hpp"
#include "host/tables/parameter_table.hpp"
#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kFewUsers = 6, kFewItems = 5;

// Scores items by the weights of their positives. What is unusual about a run is asked for.
struct Behaviour {
  std::vector<double> reported = {0.5, 1};  // shares of an epoch
  double loss = 2;
  std::vector<float> values = {1};  // of the first user's and item's vector, by epoch, and those after
  bool contradicts = false;
};

class WeightModel final : public TrainableModel {
 public:
  WeightModel(const Arena& arena, const ModelInput& input, const Behaviour& behaviour)
      : backend_(arena.backend()),
        input_(input),
        behaviour_(behaviour),
        users_(arena, "user.embedding", kFewUsers, 1, TableType::kFloat32, OptimizerKind::kSgd),
        items_(arena, "item.embedding", kFewItems, 1, TableType::kFloat32, OptimizerKind::kSgd),
        bias_(ParameterTable::vector(arena, "item.bias", kFewItems, OptimizerKind::kSgd)),
        scorer_(arena, tables()) {}

  void train_epoch(Epoch& epoch) override {
    std::vector<float> weights(kFewItems);
    for (std::uint64_t n = 0; n < input_.positives.size(); ++n) {
      weights[input_.positives.items[n]] += input_.weights.empty() ? 1 : input_.weights[n];
    }
    backend_.copy_to_device(bias_.view().weight.data, weights.data(), sizeof(float) * kFewItems);
    const float value = behaviour_.values[std::min<std::size_t>(epoch.number(), behaviour_.values.size()) - 1];
    backend_.copy_to_device(users_.view().weight.data, &value, sizeof(float));
    backend_.copy_to_device(items_.view().weight.data, &value, sizeof(float));
    for (const double share : behaviour_.reported) {
      if (!epoch.report(share, behaviour_.loss)) return;
    }
  }
  const char* loss_name() const override { return "loss"; }
  Scorer& scorer() override { return scorer_; }
  void download(Model& model) const override {
    model.architecture = {{"of", "its own"}};
    for (const ParameterTable* table : {&users_, &items_, &bias_}) table->download(backend_, model.tensors);
  }
  std::uint64_t host_bytes() const override { return users_.host_bytes() + items_.host_bytes() + bias_.host_bytes(); }
  std::vector<TableView> weight_tables() const override {
    return {users_.view().weight, items_.view().weight, bias_.view().weight};
  }

 private:
  ProductTables tables() const {
    ProductTables tables;
    tables.parameters.user_factors = users_.view();
    tables.parameters.item_factors = items_.view();
    tables.parameters.item_bias = bias_.view();
    tables.predicts_ratings = behaviour_.contradicts;
    return tables;
  }

  Backend& backend_;
  ModelInput input_;
  Behaviour behaviour_;
  ParameterTable users_, items_, bias_;
  ProductScorer scorer_;
};

class WeightFamily final : public ModelFamily {
 public:
  Behaviour behaviour;
  bool is_weighted = false;

  const char* name() const override { return "weight"; }
  const char* help() const override { return "items by the weight of their positives"; }
  bool predicts_ratings() const override { return false; }
  bool streams() const override { return false; }
  std::vector<Option> options() override {
    std::vector<Option> options;
    add_run_options(run_, options);
    return options;
  }
  std::vector<float> weights(const RatingView& positives) const override {
    return is_weighted ? std::vector<float>(positives.size(), 2.0f) : std::vector<float>();
  }
  std::unique_ptr<TrainableModel> make(const Arena& arena, const ModelInput& input) const override {
    EXPECT_TRUE(input.batch_sizes.empty());
    EXPECT_EQ(input.seen.offsets.size(), kFewUsers + 1u) << "what ranks leaves out what users have";
    return std::make_unique<WeightModel>(arena, input, behaviour);
  }
};

class OwnEpochs : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { backend_ = test::backend_or_skip(GetParam()); }
  TrainResult run(const TrainCallbacks& callbacks = {}, bool validates = false) {
    const TrainData data{train_.view(), validates ? held_out_.view() : RatingView{}, kFewUsers, kFewItems};
    return train(*backend_, data, family_, callbacks);
  }

  test::Columns train_{{0, 1, 2, 3, 4, 5, 0, 1, 2}, {0, 0, 0, 0, 0, 0, 1, 1, 2}, std::vector<float>(9, 1.0f)};
  test::Columns held_out_{{3, 4}, {1, 2}, {1, 1}};
  WeightFamily family_;
  std::unique_ptr<Backend> backend_;
};

TEST_P(OwnEpochs, PlanNoRingAndEndWithAModelOfTheFamily) {
  family_.run().epochs = 3;
  std::uint64_t planned = 0;
  std::string plan_text;
  TrainCallbacks callbacks;
  callbacks.plan = [&](const MemoryPlan& plan) {
    planned = plan.backend_bytes();
    plan_text = plan.to_string();
  };
  for (const bool validates : {false, true}) {
    backend_ = test::backend_or_skip(GetParam());
    const TrainResult result = run(callbacks, validates);
    EXPECT_EQ(result.outcome, TrainOutcome::kFinished);
    EXPECT_EQ(planned, backend_->peak_bytes()) << plan_text;
    EXPECT_EQ(plan_text.find("slots"), std::string::npos);
    EXPECT_EQ(plan_text.find("the best epoch's weights") != std::string::npos, backend_->has_own_memory());
    EXPECT_EQ(result.model.kind, "weight");
    EXPECT_EQ(result.model.architecture.at("predicts_ratings"), false);
    EXPECT_EQ(result.model.architecture.at("of"), "its own");
    EXPECT_EQ(result.model.tensors.at("item.bias").data, (std::vector<float>{6, 2, 1, 0, 0}));
    ASSERT_EQ(result.model.history.size(), 3u);
    const auto& line = result.model.history.back();
    EXPECT_EQ(line.at("train_loss"), 2);
    EXPECT_FALSE(line.contains("learning_rate") || line.contains("wait_share"));
    EXPECT_EQ(line.contains("validation_ndcg@20"), validates);
  }
}

TEST_P(OwnEpochs, HaveTheWeights) {
  family_.is_weighted = true;
  EXPECT_EQ(run().model.tensors.at("item.bias").data, (std::vector<float>{12, 4, 2, 0, 0}));
}

TEST_P(OwnEpochs, AreInterruptedWhereTheyReportAndBetweenThem) {
  family_.run().epochs = 4;
  for (const std::vector<double>& reported : {std::vector<double>{0, 0.5, 1}, {1}}) {
    family_.behaviour.reported = reported;
    int n_asked = 0;
    TrainCallbacks callbacks;
    callbacks.stop = [&] { return ++n_asked > 0; };
    double eta = -1;
    callbacks.progress = [&](const TrainProgress& progress) { eta = std::max(eta, progress.eta_seconds); };
    const TrainResult result = run(callbacks);
    EXPECT_EQ(result.outcome, TrainOutcome::kInterrupted);
    EXPECT_TRUE(result.has_model);
    EXPECT_EQ(result.best_epoch, 1u);
    EXPECT_TRUE(std::isfinite(eta));
  }
}

TEST_P(OwnEpochs, DivergeByLossByMetricAndByTensor) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto message = [&](double loss, float value, bool validates) {
    family_.behaviour.loss = loss;
    family_.behaviour.values = {value};
    const TrainResult result = run({}, validates);
    EXPECT_EQ(result.outcome, TrainOutcome::kDiverged);
    EXPECT_FALSE(result.has_model);
    return result.message;
  };
  EXPECT_EQ(message(nan, 1, false), "the loss stopped being finite in epoch 1");
  EXPECT_NE(message(1, static_cast<float>(nan), false).find("user.embedding"), std::string::npos);
  EXPECT_NE(message(1, static_cast<float>(nan), true).find("stopped being finite in epoch 1"), std::string::npos);
}

// The last epoch whose numbers are all finite is the one that is left, whatever the epochs after it hold.
TEST_P(OwnEpochs, ANumberThatIsNotFiniteLeavesTheEpochBefore) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  family_.behaviour.values = {1, 2, nan, 4};
  family_.run().epochs = 5;
  for (const bool is_interrupted : {false, true}) {
    TrainCallbacks callbacks;
    int n_reports = 0;
    // Asked in each epoch and between two: the fifth time in epoch 3.
    if (is_interrupted) callbacks.stop = [&] { return ++n_reports > 4; };
    const TrainResult result = run(callbacks);
    EXPECT_EQ(result.outcome, TrainOutcome::kDiverged);
    EXPECT_TRUE(result.has_model);
    EXPECT_EQ(result.best_epoch, 2u);
    EXPECT_EQ(result.model.tensors.at("user.embedding").data[0], 2);
    EXPECT_EQ(result.model.tensors.at("item.embedding").data[0], 2);
    EXPECT_EQ(result.model.kind, "weight");
    EXPECT_EQ(result.message.find("user.embedding (number 1 of it is nan) stopped being finite in epoch 3"), 0u)
        << result.message;
    EXPECT_EQ(n_reports, is_interrupted ? 5 : 0);
  }
}

TEST_P(OwnEpochs, WithoutValidationTheLastEpochIsLeft) {
  family_.behaviour.values = {1, 2, 3};
  family_.run().epochs = 3;
  const TrainResult result = run();
  EXPECT_EQ(result.best_epoch, 3u);
  EXPECT_EQ(result.model.tensors.at("user.embedding").data[0], 3);
  TrainCallbacks callbacks;
  int n_asked = 0;
  callbacks.stop = [&] { return ++n_asked == 3; };  // in the second epoch
  const TrainResult interrupted = run(callbacks);
  EXPECT_EQ(interrupted.outcome, TrainOutcome::kInterrupted);
  EXPECT_EQ(interrupted.best_epoch, 2u);
  EXPECT_EQ(interrupted.model.tensors.at("user.embedding").data[0], 2);
}

TEST_P(OwnEpochs, AFamilyAndItsScorerAgree) {
  family_.behaviour.contradicts = true;
  EXPECT_THROW(run(), std::logic_error);
}

UNFOLD_FOR_EVERY_BACKEND(OwnEpochs);

}  // namespace
}  // namespace unfold
