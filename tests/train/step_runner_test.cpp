// The time that a device works on an epoch's steps.
#include "host/train/step_runner.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kGap = std::chrono::milliseconds(2);
constexpr std::uint64_t kSteps = 40;

class StepRunners : public BackendParity {
 protected:
  void SetUp() override {
    BackendParity::SetUp();
    if (!IsSkipped()) now_ = DeviceArray<StepVariables>(backend(), 1);
  }
  void TearDown() override {
    now_ = {};
    BackendParity::TearDown();
  }

  // An epoch of steps with a launch, or none, on either side of a time in which the host does something else. Seconds
  // that it took.
  double run_epoch(StepRunner& runner, bool has_gap) {
    const auto started = Clock::now();
    runner.start_epoch(kSteps);
    for (std::uint64_t n = 0; n < kSteps; ++n) {
      runner.run({nullptr, 1, 0}, [&] {
        ++n_called_;
        backend().run(SetStep{.values = step_variables(1, n, n, 1, 0), .now = now_.data()});
        if (has_gap) std::this_thread::sleep_for(kGap);
        backend().run(SetStep{.values = step_variables(1, n, n, 1, 0), .now = now_.data()});
      });
    }
    return std::chrono::duration<double>(Clock::now() - started).count();
  }

  DeviceArray<StepVariables> now_;
  int n_called_ = 0;
};

// On a device of its own memory the host's pauses between launches are no work; on the CPU they are its own.
TEST_P(StepRunners, GapsBetweenLaunchesAreWaiting) {
  StepRunner runner(backend(), false);
  run_epoch(runner, true);  // the first steps are not recorded yet
  for (int epoch = 0; epoch < 2; ++epoch) {
    const double wall = run_epoch(runner, true), busy = runner.busy_seconds();
    EXPECT_GT(busy, 0);
    if (backend().has_own_memory()) {
      EXPECT_LT(busy, wall / 4);
    } else {
      EXPECT_GT(busy, kSteps * 0.002);
      EXPECT_LE(busy, wall);
    }
  }
}

TEST_P(StepRunners, StepsOfGraphsAreCalledTwice) {
  StepRunner runner(backend(), true);
  run_epoch(runner, false);
  run_epoch(runner, false);
  EXPECT_EQ(n_called_, backend().has_own_memory() ? 2 : 2 * static_cast<int>(kSteps));
}

// What cannot be recorded is run as it is, and what is wrong with a step itself is told.
TEST_P(StepRunners, AStepThatCannotBeRecordedIsRun) {
  StepRunner runner(backend(), false);
  runner.start_epoch(kSteps);
  int n_run = 0;
  for (std::uint64_t n = 0; n < kSteps; ++n) {
    runner.run({nullptr, 1, 0}, [&] {
      backend().synchronize();  // which no graph may hold
      ++n_run;
    });
  }
  EXPECT_EQ(n_run, static_cast<int>(kSteps));
  EXPECT_THROW(runner.run({nullptr, 1, 0}, [] { throw DeviceError("no"); }), DeviceError);
}

UNFOLD_FOR_EVERY_BACKEND(StepRunners);

}  // namespace
}  // namespace unfold::test
