#include "host/train/step_runner.hpp"

#include <algorithm>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::size_t kSamples = 8;  // an epoch

}  // namespace

StepRunner::StepRunner(Backend& backend, bool as_graphs)
    : as_graphs_(as_graphs), times_all_(!backend.has_own_memory()), recorder_(backend.make_recorder()) {
  samples_.resize(times_all_ ? 1 : kSamples);
  for (Sample& sample : samples_) sample.timer = backend.make_timer();
}

void StepRunner::start_epoch(std::uint64_t n_batches) {
  n_timed_ = 0;
  n_steps_ = next_timed_ = 0;
  stride_ = std::max<std::uint64_t>(1, n_batches / kSamples);
  seconds_ = 0;
}

bool StepRunner::record(const StepKey& key, const std::function<void()>& ops) {
  if (!recorder_) {
    ops();
    return false;
  }
  if (as_graphs_) return recorder_->run(key, ops);
  try {
    return recorder_->run(key, ops);
  } catch (const DeviceError&) {
    // It was only to be timed. What is wrong with the step itself shows when it runs as it is.
    recorder_.reset();
    ops();
    return false;
  }
}

void StepRunner::run_timed(Sample& sample, const StepKey& key, const std::function<void()>& ops) {
  sample.timer->start();
  sample.is_replay = record(key, ops);
  sample.timer->stop();
}

void StepRunner::run(const StepKey& key, const std::function<void()>& ops) {
  if (times_all_) {
    run_timed(samples_.front(), key, ops);
    seconds_ += samples_.front().timer->seconds();
    return;
  }
  if (n_steps_ == 0) timed_key_ = key;
  const bool is_timed = key == timed_key_ && n_steps_ >= next_timed_ && n_timed_ < samples_.size();
  if (is_timed) {
    Sample& sample = samples_[n_timed_++];
    next_timed_ = n_steps_ + stride_;
    run_timed(sample, key, ops);
  } else if (as_graphs_) {
    recorder_->run(key, ops);
  } else {
    ops();
  }
  ++n_steps_;
}

double StepRunner::busy_seconds() {
  if (times_all_) return seconds_;
  const auto end = samples_.begin() + static_cast<std::ptrdiff_t>(n_timed_);
  const bool has_replays = std::any_of(samples_.begin(), end, [](const Sample& sample) { return sample.is_replay; });
  double sum = 0;
  std::uint64_t n = 0;
  for (auto sample = samples_.begin(); sample != end; ++sample) {
    if (has_replays && !sample->is_replay) continue;
    sum += sample->timer->seconds();
    ++n;
  }
  return n == 0 ? 0 : sum / static_cast<double>(n) * static_cast<double>(n_steps_);
}

}  // namespace unfold
