// The plan of a run is what the run takes of the backend's memory, to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "tests/ops/parity.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kUsers = 50, kItems = 40;

struct Columns {
  std::vector<Row> users, items;
  std::vector<float> ratings;
  RatingView view() const { return {users, items, ratings, {}}; }
};

// A third of all pairs, rated 1 to 5.
Columns ratings(std::uint32_t part) {
  Columns columns;
  for (Row user = 0; user < kUsers; ++user) {
    for (Row item = 0; item < kItems; ++item) {
      const RandomBlock random = philox(11, user, item);
      if (random.v[0] % 12 != part && (part != 0 || random.v[0] % 12 > 3)) continue;
      columns.users.push_back(user);
      columns.items.push_back(item);
      columns.ratings.push_back(static_cast<float>(1 + random.v[1] % 5));
    }
  }
  return columns;
}

struct Run {
  const char* name;
  const char* model;
  void (*change)(TrainOptions&);
};
std::ostream& operator<<(std::ostream& out, const Run& run) { return out << run.name; }

class PlanOfRun : public testing::TestWithParam<std::tuple<Run, bool>> {};

TEST_P(PlanOfRun, IsThePeakOfItsMemory) {
  const auto& [run, validates] = GetParam();
  const Columns train_part = ratings(0), held_out = validates ? ratings(5) : Columns();
  TrainOptions options = TrainOptions::defaults(run.model);
  options.dim = 12;
  options.epochs = 1;
  options.batch_size = 100;
  options.n_negatives = 20;
  options.refresh_epochs = 1;
  run.change(options);
  for (const char* const name : test::kBackends) {
    if (std::string(name) == "Cuda") continue;
    const auto backend = test::backend_or_skip(name);
    std::uint64_t planned = 0;
    std::string plans;
    TrainCallbacks callbacks;
    callbacks.plan = [&](const MemoryPlan& plan) {  // of the run, and with refit of the second
      EXPECT_EQ(backend->allocated_bytes(), 0u) << "memory was taken before it was planned";
      planned = std::max(planned, plan.backend_bytes());
      plans += plan.to_string();
    };
    const TrainData data{train_part.view(), held_out.view(), kUsers, kItems, nullptr};
    EXPECT_EQ(train(*backend, data, options, callbacks).outcome, TrainOutcome::kFinished);
    EXPECT_EQ(planned, backend->peak_bytes()) << name << "\n" << plans;
    EXPECT_EQ(backend->allocated_bytes(), 0u) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PlanOfRun,
    testing::Combine(testing::Values(Run{"Mf", "mf", [](TrainOptions&) {}},
                                     Run{"MfDeterministicAdam", "mf",
                                         [](TrainOptions& o) {
                                           o.deterministic = true;
                                           o.optimizer = "adam";
                                         }},
                                     Run{"MfHalf", "mf", [](TrainOptions& o) { o.table_type = "float16"; }},
                                     Run{"Softmax", "softmax", [](TrainOptions&) {}},
                                     Run{"SoftmaxUniformAndHard", "softmax",
                                         [](TrainOptions& o) { o.negatives = "uniform+hard:4/32"; }},
                                     Run{"SoftmaxMinedWeightRank", "softmax",
                                         [](TrainOptions& o) {
                                           o.negatives = "uniform+mined:2/20";
                                           o.weight_rank = 7;
                                         }},
                                     Run{"SoftmaxDisliked", "softmax",
                                         [](TrainOptions& o) { o.negatives = "uniform+disliked:4"; }},
                                     Run{"SoftmaxPopularityOwn", "softmax",
                                         [](TrainOptions& o) {
                                           o.negatives = "popularity:0.5";
                                           o.own_negatives = true;
                                           o.n_negatives = 9;
                                         }},
                                     Run{"SoftmaxMixed", "softmax", [](TrainOptions& o) { o.negatives = "mixed:0.5"; }},
                                     Run{"SoftmaxInBatchDot", "softmax",
                                         [](TrainOptions& o) {
                                           o.negatives = "in-batch";
                                           o.score = "dot";
                                           o.no_bias = true;
                                         }},
                                     Run{"SoftmaxFullHalf", "softmax",
                                         [](TrainOptions& o) {
                                           o.negatives = "full";
                                           o.table_type = "bfloat16";
                                           o.learn_temperature = true;
                                         }},
                                     Run{"SoftmaxFloor", "softmax", [](TrainOptions& o) { o.positive_from = "3"; }},
                                     Run{"SoftmaxWeights", "softmax",
                                         [](TrainOptions& o) {
                                           o.rating_weight = 1.5;
                                           o.user_balance = 0.5;
                                         }},
                                     Run{"SoftmaxRefit", "softmax", [](TrainOptions& o) { o.refit = true; }}),
                     testing::Bool()),
    [](const auto& instance) {
      return std::string(std::get<0>(instance.param).name) + (std::get<1>(instance.param) ? "Validated" : "");
    });

}  // namespace
}  // namespace unfold
