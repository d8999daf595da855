// The plan of a run is what the run takes of the backend's memory, to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"
#include "unfold/random.hpp"
#include "unfold/train.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kPlannedUsers = 50, kPlannedItems = 40;

using test::Columns;

// A third of all pairs, rated 1 to 5.
Columns ratings(std::uint32_t part) {
  Columns columns;
  for (Row user = 0; user < kPlannedUsers; ++user) {
    for (Row item = 0; item < kPlannedItems; ++item) {
      const RandomBlock random = philox(11, user, item);
      if (random.v[0] % 12 != part && (part != 0 || random.v[0] % 12 > 3)) continue;
      columns.add(user, item, static_cast<float>(1 + random.v[1] % 5));
    }
  }
  return columns;
}

struct PlannedRun {
  const char* name;
  const char* model;
  std::vector<std::pair<const char*, const char*>> options;
  bool is_cut = false;  // on the CPU, and batches so small that a step has one thread: ratings are read where they are
};
std::ostream& operator<<(std::ostream& out, const PlannedRun& run) { return out << run.name; }

class PlanOfRun : public testing::TestWithParam<std::tuple<PlannedRun, bool>> {};

TEST_P(PlanOfRun, IsThePeakOfItsMemory) {
  const auto& [run, validates] = GetParam();
  const Columns train_part = ratings(0), held_out = validates ? ratings(5) : Columns();
  const auto family = make_family(run.model);
  family->set("dim", "12");
  family->run().epochs = 1;
  family->run().batch_size = 100;
  for (const auto& [name, value] : run.options) family->set(name, value);
  for (const char* const name : test::kBackends) {
    if (std::string(name) == "Cuda") continue;
    for (const char* const resident : {"auto", "never"}) {
      if (std::string(name) == "Cpu" && std::string(resident) != "auto") continue;
      family->run().resident = resident;
      const auto backend = test::backend_or_skip(name);
      std::uint64_t planned = 0;
      std::string plans;
      TrainCallbacks callbacks;
      callbacks.plan = [&](const MemoryPlan& plan) {  // of the run, and with refit of the second
        EXPECT_EQ(backend->allocated_bytes(), 0u) << "memory was taken before it was planned";
        planned = std::max(planned, plan.backend_bytes());
        plans += plan.to_string();
      };
      const TrainData data{train_part.view(), held_out.view(), kPlannedUsers, kPlannedItems, nullptr};
      EXPECT_EQ(train(*backend, data, *family, callbacks).outcome, TrainOutcome::kFinished);
      EXPECT_EQ(planned, backend->peak_bytes()) << name << ", resident " << resident << "\n" << plans;
      EXPECT_EQ(backend->allocated_bytes(), 0u) << name;
      const bool is_resident = backend->has_own_memory() && std::string(resident) == "auto";
      EXPECT_EQ(plans.find("kept on the device") != std::string::npos, is_resident) << plans;
      const bool is_cut = std::string(name) == "Cpu" && run.is_cut;
      EXPECT_EQ(plans.find("streaming slots") == std::string::npos, is_resident || is_cut) << plans;
    }
  }
}

const std::vector<PlannedRun> kRuns = {
    PlannedRun{"Mf", "mf", {}, true},
    PlannedRun{"MfDeterministicAdam", "mf", {{"deterministic", "true"}, {"optimizer", "adam"}}},
    PlannedRun{"MfHalf", "mf", {{"table-type", "float16"}}, true},
    PlannedRun{"Softmax", "softmax", {{"n-negatives", "20"}}},
    PlannedRun{"SoftmaxUniformAndHard", "softmax", {{"n-negatives", "20"}, {"negatives", "uniform+hard:4/32"}}},
    PlannedRun{"SoftmaxMinedWeightRank",
               "softmax",
               {{"negatives", "uniform+mined:2/20"}, {"weight-rank", "7"}, {"refresh-epochs", "1"}}},
    PlannedRun{"SoftmaxDisliked", "softmax", {{"negatives", "uniform+disliked:4"}}},
    PlannedRun{"SoftmaxPopularityOwn",
               "softmax",
               {{"negatives", "popularity:0.5"}, {"own-negatives", "true"}, {"n-negatives", "9"}}},
    PlannedRun{"SoftmaxMixed", "softmax", {{"n-negatives", "20"}, {"negatives", "mixed:0.5"}}},
    PlannedRun{"SoftmaxInBatchDot", "softmax", {{"negatives", "in-batch"}, {"score", "dot"}, {"no-bias", "true"}}},
    PlannedRun{"SoftmaxFullHalf",
               "softmax",
               {{"negatives", "full"}, {"table-type", "bfloat16"}, {"learn-temperature", "true"}}},
    PlannedRun{"SoftmaxFloor", "softmax", {{"positive-from", "3"}}},
    PlannedRun{"SoftmaxWeights", "softmax", {{"rating-weight", "1.5"}, {"user-balance", "0.5"}}},
    PlannedRun{"SoftmaxRefit", "softmax", {{"refit", "true"}}}};

INSTANTIATE_TEST_SUITE_P(All, PlanOfRun, testing::Combine(testing::ValuesIn(kRuns), testing::Bool()),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param).name) +
                                  (std::get<1>(instance.param) ? "Validated" : "");
                         });

TEST(PlansOfRuns, HoldTheRatingsThatAreCutForThreads) {
  Columns columns;
  for (std::uint64_t k = 0; k < 9000; ++k) {
    const RandomBlock random = philox(12, k, 0);
    columns.add(random.v[0] % 500, random.v[1] % 300, static_cast<float>(1 + random.v[2] % 5));
  }
  const auto family = make_family("mf");
  family->set("dim", "12");
  family->run().epochs = 2;
  family->run().batch_size = 4200;
  const auto backend = make_cpu_backend(3);
  std::uint64_t planned = 0;
  std::string text;
  TrainCallbacks callbacks;
  callbacks.plan = [&](const MemoryPlan& plan) {
    planned = plan.backend_bytes();
    text = plan.to_string();
  };
  EXPECT_EQ(train(*backend, {columns.view(), {}, 500, 300}, *family, callbacks).outcome, TrainOutcome::kFinished);
  EXPECT_EQ(planned, backend->peak_bytes()) << text;
  EXPECT_NE(text.find("9000 training ratings, cut for 3 threads"), std::string::npos) << text;
  EXPECT_EQ(text.find("slots"), std::string::npos) << text;
}

TEST(PlansOfRuns, AreOfEveryFamily) {
  for (const std::string name : family_names()) {
    EXPECT_TRUE(std::ranges::any_of(kRuns, [&](const PlannedRun& run) { return run.model == name; })) << name;
  }
}

}  // namespace
}  // namespace unfold
