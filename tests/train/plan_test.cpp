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

constexpr std::uint32_t kUsers = 50, kItems = 40;

using test::Columns;

// A third of all pairs, rated 1 to 5.
Columns ratings(std::uint32_t part) {
  Columns columns;
  for (Row user = 0; user < kUsers; ++user) {
    for (Row item = 0; item < kItems; ++item) {
      const RandomBlock random = philox(11, user, item);
      if (random.v[0] % 12 != part && (part != 0 || random.v[0] % 12 > 3)) continue;
      columns.add(user, item, static_cast<float>(1 + random.v[1] % 5));
    }
  }
  return columns;
}

struct Recipe {
  const char* name;
  const char* model;
  std::vector<std::pair<const char*, const char*>> options;
};
std::ostream& operator<<(std::ostream& out, const Recipe& run) { return out << run.name; }

class PlanOfRun : public testing::TestWithParam<std::tuple<Recipe, bool>> {};

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
    EXPECT_EQ(train(*backend, data, *family, callbacks).outcome, TrainOutcome::kFinished);
    EXPECT_EQ(planned, backend->peak_bytes()) << name << "\n" << plans;
    EXPECT_EQ(backend->allocated_bytes(), 0u) << name;
  }
}

const std::vector<Recipe> kRuns = {
    Recipe{"Mf", "mf", {}},
    Recipe{"MfDeterministicAdam", "mf", {{"deterministic", "true"}, {"optimizer", "adam"}}},
    Recipe{"MfHalf", "mf", {{"table-type", "float16"}}},
    Recipe{"Softmax", "softmax", {{"n-negatives", "20"}}},
    Recipe{"SoftmaxUniformAndHard", "softmax", {{"n-negatives", "20"}, {"negatives", "uniform+hard:4/32"}}},
    Recipe{"SoftmaxMinedWeightRank",
           "softmax",
           {{"negatives", "uniform+mined:2/20"}, {"weight-rank", "7"}, {"refresh-epochs", "1"}}},
    Recipe{"SoftmaxDisliked", "softmax", {{"negatives", "uniform+disliked:4"}}},
    Recipe{"SoftmaxPopularityOwn",
           "softmax",
           {{"negatives", "popularity:0.5"}, {"own-negatives", "true"}, {"n-negatives", "9"}}},
    Recipe{"SoftmaxMixed", "softmax", {{"n-negatives", "20"}, {"negatives", "mixed:0.5"}}},
    Recipe{"SoftmaxInBatchDot", "softmax", {{"negatives", "in-batch"}, {"score", "dot"}, {"no-bias", "true"}}},
    Recipe{"SoftmaxFullHalf",
           "softmax",
           {{"negatives", "full"}, {"table-type", "bfloat16"}, {"learn-temperature", "true"}}},
    Recipe{"SoftmaxFloor", "softmax", {{"positive-from", "3"}}},
    Recipe{"SoftmaxWeights", "softmax", {{"rating-weight", "1.5"}, {"user-balance", "0.5"}}},
    Recipe{"SoftmaxRefit", "softmax", {{"refit", "true"}}}};

INSTANTIATE_TEST_SUITE_P(All, PlanOfRun, testing::Combine(testing::ValuesIn(kRuns), testing::Bool()),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param).name) +
                                  (std::get<1>(instance.param) ? "Validated" : "");
                         });

TEST(PlansOfRuns, AreOfEveryFamily) {
  for (const std::string name : family_names()) {
    EXPECT_TRUE(std::ranges::any_of(kRuns, [&](const Recipe& run) { return run.model == name; })) << name;
  }
}

}  // namespace
}  // namespace unfold
