// A step that is recorded and run again gives the bits that it gives launch by launch.
#include <algorithm>
#include <span>
#include <vector>

#include "host/tables/row_sort.hpp"
#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

using namespace selfcheck;

class RunStep : public BackendParity {};

constexpr std::uint64_t kUsers = 50, kItems = 40, kLargest = 1000;
constexpr std::uint32_t kDim = 20;

// A step of deterministic matrix factorization, in arrays that stay where they are.
class RecordedStep {
 public:
  RecordedStep(Backend& backend, std::mt19937_64& random)
      : backend_(backend),
        model_(backend, random, kUsers, kItems, kDim, OptimizerKind::kAdam),
        stride_(model_.user_factors.view().weight.stride) {}

  void set(std::mt19937_64& random, std::uint64_t n, std::uint64_t step_number) {
    batch_.size = n;
    const HostBatch batch = random_batch(random, random_rows(random, kUsers, n), random_rows(random, kItems, n));
    users_.upload(batch.users);
    items_.upload(batch.items);
    ratings_.upload(batch.ratings);
    const float rate = 0.1f / static_cast<float>(1 + step_number);
    backend_.run(SetStep{.values = step_variables(1, step_number, step_number, rate, 0.9f), .now = now_.data()});
  }

  void run() const {
    const std::uint64_t n = batch_.size;
    const RatingBatch batch{users_.data(), items_.data(), ratings_.data(), n};
    const SortedRows users = user_sort_.sort(backend_, users_.data(), n, kUsers);
    const SortedRows items = item_sort_.sort(backend_, items_.data(), n, kItems);
    const MatrixView<float> sums{sums_.data(), kItems, kDim, stride_};
    const std::span<std::byte> workspace(workspace_.data(), workspace_.size());
    backend_.run(RatingGradients{.parameters = model_.parameters(),
                                 .batch = batch,
                                 .loss = loss_of(true, true),
                                 .side = RatingSide::kItems,
                                 .sorted = items,
                                 .by_score = by_score_.data(),
                                 .gradient = sums,
                                 .bias_gradient = bias_sums_.data(),
                                 .squared_error = {errors_.data(), now_.data()}},
                 workspace);
    OptimizerStep step{.kind = OptimizerKind::kAdam};
    step.now = now_.data();
    const auto update = [&](const TestTable& table, const SortedRows& rows, const RowGradients& gradient) {
      backend_.run(UpdateRows{.table = table.view(), .sorted = rows, .gradient = gradient, .step = step}, workspace);
    };
    const TableView item_factors = model_.item_factors.view().weight;
    update(model_.user_factors, users, {.rows = item_factors, .source = items_.data(), .scale = by_score_.data()});
    update(model_.item_factors, items, {.rows = sums, .is_summed = true});
  }

  StepKey key() const { return {users_.data(), batch_.size, 0}; }
  std::vector<float> results() const {
    std::vector<float> all = model_.user_factors.weights();
    const std::vector<float> items = model_.item_factors.weights();
    all.insert(all.end(), items.begin(), items.end());
    std::vector<double> errors(errors_.size());
    errors_.download(errors);
    for (const double error : errors) all.push_back(static_cast<float>(error));
    return all;
  }

 private:
  Backend& backend_;
  TestModel model_;
  std::uint32_t stride_;
  RatingBatch batch_;
  DeviceArray<Row> users_{backend_, kLargest}, items_{backend_, kLargest};
  DeviceArray<float> ratings_{backend_, kLargest};
  DeviceArray<StepVariables> now_{backend_, 1};
  DeviceArray<double> errors_{backend_, 16};
  DeviceArray<float> by_score_{backend_, kLargest}, sums_{backend_, kItems*stride_}, bias_sums_{backend_, kItems};
  RowSort user_sort_{Arena(backend_), "users", kLargest}, item_sort_{Arena(backend_), "items", kLargest};
  DeviceArray<std::byte> workspace_{backend_,
                                    std::max(backend_.workspace_bytes(UpdateRows{.sorted = {.n = kLargest}}),
                                             backend_.workspace_bytes(RatingGradients{.batch = {.size = kLargest}}))};
};

// Steps on batches of several lengths, each of them recorded where it comes the second time, and run again.
std::vector<float> after_steps(Backend& backend, bool recorded, int& n_called) {
  std::mt19937_64 random(kSeed);
  RecordedStep step(backend, random);
  const std::unique_ptr<StepRecorder> recorder = backend.make_recorder();
  std::uint64_t step_number = 0;
  for (const std::uint64_t n : {64u, 64u, 1000u, 3u, 64u, 1000u, 1000u, 64u, 3u, 3u}) {
    step.set(random, n, step_number++);
    const auto ops = [&] {
      ++n_called;
      step.run();
    };
    if (recorded) {
      recorder->run(step.key(), ops);
    } else {
      ops();
    }
  }
  return step.results();
}

TEST_P(RunStep, HasTheSameBitsRecordedAndNot) {
  int n_called = 0, n_called_recorded = 0;
  const std::vector<float> plain = after_steps(backend(), false, n_called);
  EXPECT_TRUE(same_bits(after_steps(backend(), true, n_called_recorded), plain));
  EXPECT_EQ(n_called, 10);
  EXPECT_EQ(n_called_recorded, backend().name() == "cpu" ? 10 : 2 * 3) << "once as it is and once to record it";
}

TEST_P(RunStep, PassesOnWhatTheOpsThrowAndStaysUsable) {
  const std::unique_ptr<StepRecorder> recorder = backend().make_recorder();
  for (int n = 0; n < 3; ++n) {
    EXPECT_THROW(recorder->run({nullptr, 1, 0}, [] { throw UsageError("no"); }), UsageError);
  }
  int n_called = 0;
  recorder->run({nullptr, 2, 0}, [] {});
  EXPECT_THROW(recorder->run({nullptr, 2, 0}, [] { throw UsageError("no"); }), UsageError);
  const std::vector<float> plain = after_steps(backend(), false, n_called);
  EXPECT_TRUE(same_bits(after_steps(backend(), true, n_called), plain));
}

UNFOLD_FOR_EVERY_BACKEND(RunStep);

}  // namespace
}  // namespace unfold::test
