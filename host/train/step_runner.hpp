// Runs the steps of a training, and measures how long the device works on them.
//
// On a device of its own memory steps are launched and not waited for, so the time between two events holds the gaps in
// which the device waits for the host to launch. A step that runs as a graph has none: a few steps of each epoch are
// run so and timed, and stand for the others. The rest of an epoch's time, the device waited, for data or for launches.
// On the CPU every step is timed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "unfold/backend.hpp"

namespace unfold {

class StepRunner {
 public:
  // `as_graphs`: each step runs as a graph where it can (StepRecorder).
  StepRunner(Backend& backend, bool as_graphs);

  void start_epoch(std::uint64_t n_batches);
  // As StepRecorder::run.
  void run(const StepKey& key, const std::function<void()>& ops);
  // Time that the device worked on the epoch's steps so far. Waits for those that were timed.
  double busy_seconds();

 private:
  struct Sample {
    std::unique_ptr<DeviceTimer> timer;
    bool is_replay = false;  // without gaps
  };
  void run_timed(Sample& sample, const StepKey& key, const std::function<void()>& ops);
  // Returns whether the step was a replay.
  bool record(const StepKey& key, const std::function<void()>& ops);

  bool as_graphs_, times_all_;
  std::unique_ptr<StepRecorder> recorder_;
  std::vector<Sample> samples_;  // of an epoch; the first n_timed_ are in use
  std::size_t n_timed_ = 0;
  std::uint64_t n_steps_ = 0, next_timed_ = 0, stride_ = 1;  // of the epoch
  StepKey timed_key_;
  double seconds_ = 0;  // where all are timed
};

}  // namespace unfold
