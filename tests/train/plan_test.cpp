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

struct Run {
  const char* name;
  const char* model;
  std::vector<std::pair<const char*, const char*>> options;
};
std::ostream& operator<<(std::ostream& out, const Run& run) { return out << run.name; }

class PlanOfRun : public testing::TestWithParam<std::tuple<Run, bool>> {};

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

INSTANTIATE_TEST_SUITE_P(
    All, PlanOfRun,
    testing::Combine(
        testing::Values(
            Run{"Mf", "mf", {}}, Run{"MfDeterministicAdam", "mf", {{"deterministic", "true"}, {"optimizer", "adam"}}},
            Run{"MfHalf", "mf", {{"table-type", "float16"}}}, Run{"Softmax", "softmax", {{"n-negatives", "20"}}},
            Run{"SoftmaxUniformAndHard", "softmax", {{"n-negatives", "20"}, {"negatives", "uniform+hard:4/32"}}},
            Run{"SoftmaxMinedWeightRank",
                "softmax",
                {{"negatives", "uniform+mined:2/20"}, {"weight-rank", "7"}, {"refresh-epochs", "1"}}},
            Run{"SoftmaxDisliked", "softmax", {{"negatives", "uniform+disliked:4"}}},
            Run{"SoftmaxPopularityOwn",
                "softmax",
                {{"negatives", "popularity:0.5"}, {"own-negatives", "true"}, {"n-negatives", "9"}}},
            Run{"SoftmaxMixed", "softmax", {{"n-negatives", "20"}, {"negatives", "mixed:0.5"}}},
            Run{"SoftmaxInBatchDot", "softmax", {{"negatives", "in-batch"}, {"score", "dot"}, {"no-bias", "true"}}},
            Run{"SoftmaxFullHalf",
                "softmax",
                {{"negatives", "full"}, {"table-type", "bfloat16"}, {"learn-temperature", "true"}}},
            Run{"SoftmaxFloor", "softmax", {{"positive-from", "3"}}},
            Run{"SoftmaxWeights", "softmax", {{"rating-weight", "1.5"}, {"user-balance", "0.5"}}},
            Run{"SoftmaxRefit", "softmax", {{"refit", "true"}}}),
        testing::Bool()),
    [](const auto& instance) {
      return std::string(std::get<0>(instance.param).name) + (std::get<1>(instance.param) ? "Validated" : "");
    });

}  // namespace
}  // namespace unfold
