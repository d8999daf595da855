// What a training step asks of the device and of its runtime, counted on the emulator: launches (kernels, copies, sets,
// and those of the libraries), and calls of the runtime by the host.
#include <gtest/gtest.h>

#if defined(UNFOLD_WITH_EMULATOR)

#include <fmt/format.h>

#include <numeric>
#include <random>
#include <string>

#include "host/models/epoch.hpp"
#include "host/models/mf/mf_family.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "host/models/trainable.hpp"
#include "host/tables/arena.hpp"
#include "tests/simt/emulated_backend.hpp"
#include "tests/simt/emulator.hpp"
#include "tests/support/columns.hpp"
#include "unfold/seen_items.hpp"

namespace unfold::test {
namespace {

// Of Gowalla, whose size decides how many bits a row has.
constexpr std::uint32_t kUsers = 29858, kItems = 40981;

struct Count {
  std::uint64_t launches = 0, calls = 0;
  bool operator==(const Count&) const = default;
};

template <typename Counts>
std::uint64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}
Count counted() {
  const simt::Report report = simt::report();
  return {report.n_launches + sum_of(report.others), sum_of(report.calls)};
}

// Steps on one batch, again and again.
class StepsOnABatch final : public Epoch {
 public:
  StepsOnABatch(Backend& backend, const RatingBatch& batch, bool use_graph)
      : backend_(backend), batch_(batch), losses_(backend, 64), now_(backend, 1) {
    if (use_graph) recorder_ = backend.make_recorder();
  }
  std::uint32_t number() const override { return 1; }
  double progress() const override { return 0; }
  bool report(double, double) override { return true; }
  void for_each_batch(const Step& step, std::uint64_t version) override {
    TrainingStep arguments{{.kind = kind, .now = now_.data()}, now_.data(), {losses_.data(), now_.data()}};
    for (int n = 0; n < n_steps; ++n, ++n_done_) {
      backend_.run(SetStep{.values = step_variables(1, n_done_, n_done_, 0.01f, 0.9f), .now = now_.data()});
      const auto ops = [&] { step(batch_, arguments); };
      if (recorder_) {
        recorder_->run({batch_.users, batch_.size, version}, ops);
      } else {
        ops();
      }
    }
  }
  int n_steps = 0;
  OptimizerKind kind = OptimizerKind::kSgd;

 private:
  Backend& backend_;
  RatingBatch batch_;
  DeviceArray<double> losses_;
  DeviceArray<StepVariables> now_;
  std::unique_ptr<StepRecorder> recorder_;
  std::uint64_t n_done_ = 0;
};

Columns random_ratings(std::uint64_t n) {
  std::mt19937_64 random(3);
  Columns ratings;
  for (std::uint64_t k = 0; k < n; ++k) {
    ratings.add(static_cast<Row>(random() % kUsers), static_cast<Row>(random() % kItems),
                static_cast<float>(1 + random() % 5));
  }
  return ratings;
}

// Of a step: what steps more cost, so that what an epoch does once does not count.
Count count_a_step(ModelFamily& family, bool use_graph) {
  const std::unique_ptr<Backend> backend = make_emulated_backend();
  const Columns ratings = random_ratings(family.batch_size(1 << 20));
  const TrainData data{ratings.view(), {}, kUsers, kItems};
  const SeenItems seen = SeenItems::from_ratings(ratings.view(), kUsers, kItems);
  const ModelInput input{data, ratings.view(), {}, {}, seen, {ratings.users.size()}};
  const std::unique_ptr<TrainableModel> model = family.make(Arena(*backend), input);
  DeviceArray<Row> users(*backend, ratings.users.size()), items(*backend, ratings.users.size());
  DeviceArray<float> values(*backend, ratings.users.size());
  users.upload(ratings.users);
  items.upload(ratings.items);
  values.upload(ratings.ratings);
  StepsOnABatch steps(*backend, {users.data(), items.data(), values.data(), users.size()}, use_graph);
  steps.kind = optimizer_kind(family.run());
  Count counts[3];
  for (const int round : {0, 1, 2}) {  // the first prepares what later ones have
    const Count before = counted();
    steps.n_steps = round == 0 ? 2 : round;
    model->train_epoch(steps);
    counts[round] = {counted().launches - before.launches, counted().calls - before.calls};
  }
  return {counts[2].launches - counts[1].launches, counts[2].calls - counts[1].calls};
}

void expect_a_step(const std::string& name, ModelFamily& family, const Count& plain, const Count& as_graph) {
  for (const bool use_graph : {false, true}) {
    const Count& expected = use_graph ? as_graph : plain;
    const Count got = count_a_step(family, use_graph);
    fmt::print("{}{}: {} launches, {} calls of the runtime\n", name, use_graph ? ", as a graph" : "", got.launches,
               got.calls);
    EXPECT_EQ(got.launches, expected.launches) << name << (use_graph ? ", as a graph" : "");
    EXPECT_EQ(got.calls, expected.calls) << name << (use_graph ? ", as a graph" : "");
  }
}

TEST(Launches, OfAStepOfMf) {
  MfFamily family;
  family.run().batch_size = 4096;
  expect_a_step("mf", family, {2, 6}, {2, 5});
}

TEST(Launches, OfADeterministicStepOfMf) {
  MfFamily family;
  family.own.deterministic = true;
  family.run().batch_size = 4096;
  expect_a_step("mf, deterministic", family, {7, 20}, {7, 5});
}

TEST(Launches, OfAStepOfSoftmax) {
  SoftmaxFamily family;
  family.own.dim = 8;
  expect_a_step("softmax", family, {16, 37}, {16, 5});
}

TEST(Launches, OfAStepOfSoftmaxWithProductsIn16Bits) {
  SoftmaxFamily family;
  family.own.dim = 8;
  family.own.score_type = "bfloat16";
  expect_a_step("softmax, products in bfloat16", family, {18, 41}, {18, 5});
}

TEST(Launches, OfAStepOfSoftmaxWithHardNegatives) {
  SoftmaxFamily family;
  family.own.dim = 8;
  family.own.negatives = "uniform+hard:4/64";
  family.own.hard_warmup = 0;
  expect_a_step("softmax, uniform+hard:4/64", family, {35, 57}, {35, 5});
}

}  // namespace
}  // namespace unfold::test

#endif
