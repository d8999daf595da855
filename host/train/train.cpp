// The training loop: epochs over a stream, checks, validation, the best model kept.
#include "unfold/train.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/train/group_order.hpp"
#include "host/train/make_model.hpp"
#include "host/train/options.hpp"
#include "unfold/error.hpp"
#include "unfold/rating_stream.hpp"

namespace unfold {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Losses of an epoch's steps, in the backend's memory, brought to the host now and then.
class EpochLosses {
 public:
  EpochLosses(Backend& backend, std::uint64_t n_batches) : device_(backend, n_batches), host_(n_batches) {}

  void start() {
    device_.zero();
    n_read_ = 0;
    total_ = 0;
  }
  double* slot(std::uint64_t batch) { return device_.data() + batch; }
  // Reads the losses of batches before `n_done`. False where one is not finite: then n_read() is its number.
  bool read(Backend& backend, std::uint64_t n_done) {
    backend.copy_to_host(&host_[n_read_], slot(n_read_), sizeof(double) * (n_done - n_read_));
    for (; n_read_ < n_done; ++n_read_) {
      if (!std::isfinite(host_[n_read_])) return false;
      total_ += host_[n_read_];
    }
    return true;
  }
  std::uint64_t n_read() const { return n_read_; }
  double total() const { return total_; }

 private:
  DeviceArray<double> device_;
  std::vector<double> host_;
  std::uint64_t n_read_ = 0;
  double total_ = 0;
};

class TrainingRun {
 public:
  TrainingRun(Backend& backend, const TrainData& data, const TrainOptions& options, const TrainCallbacks& callbacks)
      : backend_(backend),
        data_(data),
        options_(options),
        callbacks_(callbacks),
        weights_(positive_weights(options, data.train)),
        batch_size_(resolved_batch_size(options, data.train.size())),
        stream_options_{batch_size_, 3, 0, options.seed, {}} {
    check_groups();
    check_memory();
    model_ = make_model(backend, data, options, batch_size_);
    RatingView streamed = data.train;
    if (!weights_.empty()) streamed.ratings = weights_;
    if (options.group_batches) {
      grouped_ = group_ratings(streamed, *data.groups);
      streamed = grouped_.ratings.view();
      stream_options_.groups = grouped_.first;
    }
    stream_.emplace(backend, streamed, stream_options_);
    losses_.emplace(backend, stream_->n_batches());
  }

  TrainResult run() {
    started_ = Clock::now();
    for (std::uint32_t epoch = 1; epoch <= options_.epochs && running(); ++epoch) run_epoch(epoch);
    finish();
    return std::move(result_);
  }

 private:
  bool running() const { return result_.outcome == TrainOutcome::kFinished; }
  bool has_validation() const { return data_.validation.size() > 0; }

  void check_groups() const {
    if (!options_.group_batches) return;
    if (data_.groups == nullptr)
      throw UsageError("--group-batches: nothing says which group items are of; give --items");
  }

  void check_memory() const {
    MemoryPlan plan;
    plan.host_free = available_host_bytes();
    if (backend_.name() != "cpu") plan.device_free = backend_.free_bytes();
    plan_model(backend_, data_, options_, batch_size_, plan);
    const std::uint64_t ring = stream_options_.n_slots * RatingStream::slot_bytes(batch_size_);
    plan.add_host(fmt::format("{} streaming slots of {} ratings", stream_options_.n_slots, batch_size_), ring);
    if (plan.device_free > 0) plan.add_device("the slots' copies on the device", ring);
    plan.add_host("weights of positives", sizeof(float) * weights_.size());
    if (options_.group_batches) {
      plan.add_host("order of the ratings by group", 8 * data_.train.size());
      plan.add_mapped("ratings by group (mapped file)", 12 * data_.train.size());
    }
    plan.add_mapped(fmt::format("data set, {} ratings (mapped file)", data_.train.size()), 12 * data_.train.size());
    if (callbacks_.plan) callbacks_.plan(plan);
    plan.check();
  }

  OptimizerStep optimizer_step(const ScheduleValue& value) const {
    return {
        optimizer_kind(options_),           static_cast<float>(value.learning_rate), static_cast<float>(value.beta1),
        static_cast<float>(options_.beta2), static_cast<float>(options_.epsilon),    0};
  }

  void run_epoch(std::uint32_t epoch) {
    const auto epoch_started = Clock::now();
    auto last_report = epoch_started;
    const std::uint64_t n_batches = stream_->n_batches();
    losses_->start();
    model_->begin_epoch(epoch, static_cast<double>(epoch - 1) / options_.epochs);
    stream_->start_epoch(epoch);
    std::uint64_t n_done = 0, ratings_done = 0;
    ScheduleValue value{};
    while (true) {
      const RatingBatch batch = stream_->next();
      if (batch.size == 0) break;
      const double epoch_progress = static_cast<double>(n_done) / static_cast<double>(n_batches);
      value = scheduled(options_, (epoch - 1 + epoch_progress) / options_.epochs);
      const std::uint64_t step_number = (epoch - 1) * n_batches + n_done;
      // The first step prepares what no graph may record.
      backend_.run_step(options_.cuda_graph && step_number > 0,
                        [&] { model_->step(batch, optimizer_step(value), step_number, losses_->slot(n_done)); });
      ++n_done;
      ratings_done += batch.size;
      const bool stop = callbacks_.stop && callbacks_.stop();
      if (!stop && seconds_since(last_report) < 0.1) continue;
      if (!losses_->read(backend_, n_done)) return diverged(epoch);
      report(epoch, n_done, ratings_done, epoch_started);
      last_report = Clock::now();
      if (stop) {
        result_.outcome = TrainOutcome::kInterrupted;
        result_.best_epoch = has_best_ ? result_.best_epoch : epoch;
        return;
      }
    }
    if (!losses_->read(backend_, n_done)) return diverged(epoch);
    end_epoch(epoch, value, seconds_since(epoch_started));
  }

  void report(std::uint32_t epoch, std::uint64_t n_done, std::uint64_t ratings_done, Clock::time_point epoch_started) {
    if (!callbacks_.progress) return;
    const double elapsed = seconds_since(epoch_started);
    const double epoch_progress = static_cast<double>(n_done) / static_cast<double>(stream_->n_batches());
    const double share_done = (epoch - 1 + epoch_progress) / options_.epochs;
    callbacks_.progress({epoch, options_.epochs, epoch_progress, model_->loss_name(),
                         model_->epoch_loss(losses_->total(), ratings_done, n_done),
                         static_cast<double>(ratings_done) / elapsed,
                         seconds_since(started_) * (1 - share_done) / share_done, result_.best_epoch});
  }

  void end_epoch(std::uint32_t epoch, const ScheduleValue& value, double seconds) {
    const std::uint64_t n_ratings = data_.train.size(), n_batches = stream_->n_batches();
    nlohmann::ordered_json line;
    line["epoch"] = epoch;
    line[std::string("train_") + model_->loss_name()] = model_->epoch_loss(losses_->total(), n_ratings, n_batches);
    line["learning_rate"] = value.learning_rate;
    line["seconds"] = seconds;
    line["ratings_per_second"] = static_cast<double>(n_ratings) / seconds;
    line["wait_share"] = std::max(0.0, 1 - stream_->busy_seconds() / seconds);
    model_->describe_epoch(line);
    bool better = true;
    if (has_validation()) {
      const double score = model_->validate(data_.validation, line);
      if (!std::isfinite(score)) return diverged(epoch);
      better = score < best_score_;
      if (better) best_score_ = score;
    }
    report(epoch, n_batches, n_ratings,
           Clock::now() - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
    result_.model.history.push_back(line);
    if (callbacks_.evaluation) callbacks_.evaluation(line);
    if (better) keep(epoch);
    if (options_.patience > 0 && has_validation() && epoch - result_.best_epoch >= options_.patience) {
      result_.outcome = TrainOutcome::kEarlyStopped;
    }
  }

  // Keeps a copy of the model as it is: the best so far by validation. Without validation the copy only serves a run
  // that diverges later, so it is taken when its cost is a small part of the time since the last one.
  void keep(std::uint32_t epoch) {
    const bool is_cheap = copy_seconds_ < kCheapCopySeconds || seconds_since(kept_at_) > kCopyInterval * copy_seconds_;
    if (!has_validation() && has_best_ && !is_cheap) return;
    const auto copy_started = Clock::now();
    model_->download(result_.model);
    copy_seconds_ = seconds_since(copy_started);
    kept_at_ = Clock::now();
    has_best_ = true;
    result_.best_epoch = epoch;
  }

  void diverged(std::uint32_t epoch) {
    result_.outcome = TrainOutcome::kDiverged;
    result_.has_model = has_best_;
    result_.message = fmt::format(
        "the loss stopped being finite in epoch {}, step {} of {}; lower --learning-rate (now {}){}", epoch,
        losses_->n_read() + (losses_->n_read() < stream_->n_batches() ? 1 : 0), stream_->n_batches(),
        options_.learning_rate, options_.model == "mf" ? fmt::format(" or raise --l2 (now {})", options_.l2) : "");
  }

  void finish() {
    backend_.synchronize();
    if (result_.outcome == TrainOutcome::kDiverged || (has_validation() && has_best_)) return;
    model_->download(result_.model);
    if (running()) result_.best_epoch = options_.epochs;
  }

  static constexpr double kCheapCopySeconds = 0.02;
  static constexpr double kCopyInterval = 20;  // a copy for safety that is not cheap takes at most 5% of the time

  Backend& backend_;
  const TrainData& data_;
  const TrainOptions& options_;
  const TrainCallbacks& callbacks_;
  std::vector<float> weights_;  // that the batches have in place of ratings; empty: the ratings
  std::uint64_t batch_size_;
  RatingStreamOptions stream_options_;
  GroupedRatings grouped_;
  std::unique_ptr<TrainableModel> model_;
  std::optional<RatingStream> stream_;
  std::optional<EpochLosses> losses_;
  TrainResult result_;
  Clock::time_point started_, kept_at_;
  double copy_seconds_ = 0;
  double best_score_ = std::numeric_limits<double>::infinity();
  bool has_best_ = false;
};

}  // namespace

TrainResult train(Backend& backend, const TrainData& data, const TrainOptions& options,
                  const TrainCallbacks& callbacks) {
  validate(options);
  if (data.train.size() == 0) throw UsageError("the training part is empty; hold out less, or give more data");
  return TrainingRun(backend, data, options, callbacks).run();
}

}  // namespace unfold
