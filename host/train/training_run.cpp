#include "host/train/training_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/eval/validation.hpp"
#include "host/eval/validation_part.hpp"
#include "host/models/trainable.hpp"
#include "host/stream/epoch_order.hpp"
#include "host/train/best_model.hpp"
#include "host/train/group_order.hpp"
#include "host/train/positives.hpp"
#include "host/train/residency.hpp"
#include "host/train/schedule.hpp"
#include "host/train/spare_memory.hpp"
#include "host/train/step_memory.hpp"
#include "host/train/step_runner.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class TrainingRun final : private Epoch {
 public:
  // `chosen`: the result to be trained again, on `data` with its validation part in training, or null.
  TrainingRun(Backend& backend, const TrainData& data, const ModelFamily& family, const std::optional<float>& floor,
              const TrainCallbacks& callbacks, const TrainResult* chosen)
      : backend_(backend),
        data_(data),
        family_(family),
        options_(family.run()),
        callbacks_(callbacks),
        chosen_(chosen),
        n_epochs_(chosen == nullptr ? options_.epochs : chosen->best_epoch),
        positives_(floor, data.train),
        weights_(family.weights(positives_.view())),
        batch_size_(family.batch_size(positives_.view().size())),
        stream_options_{.batch_size = batch_size_,
                        .seed = options_.seed,
                        .weights = weights_,
                        .n_readers = n_readers(backend, options_.threads),
                        .cut = options_.group_batches ? RatingCut() : rating_cut(backend, family, data, batch_size_)},
        steps_(backend, options_.cuda_graph),
        can_validate_(data.validation.size() > 0) {
    check_device(options_, backend);
    check_groups();
    make_seen();
    check_memory();
    const Arena arena(backend);
    parts_ = make_parts(arena);
    if (can_validate_) validation_ = make_validation(arena, *parts_.model, validation_is_resident_);
    best_.emplace(family, *parts_.model);
    if (keeps_on_device_) best_->keep_on_device(arena);
    RatingView streamed = positives_.view();
    if (options_.group_batches) {
      grouped_ = group_ratings(streamed, weights_, *data.groups);
      streamed = grouped_.ratings.view();
      weights_ = std::move(grouped_.weights);
      stream_options_.groups = grouped_.first;
      stream_options_.weights = weights_;
    }
    say_unscored();
    if (family.streams()) stream_ = make_source(arena, streamed, stream_options_, is_resident_);
  }

  TrainResult run() {
    started_ = Clock::now();
    for (epoch_ = 1; epoch_ <= n_epochs_ && running(); ++epoch_) run_epoch();
    finish();
    result_.validated = can_validate_ && has_best();
    result_.unscored = data_.validation.size() > 0 && !can_validate_;
    result_.model.history = std::move(history_);
    return std::move(result_);
  }

 private:
  // What a run cannot do without in the backend's memory, beside validation and the source of its batches.
  struct Parts {
    std::unique_ptr<TrainableModel> model;
    std::unique_ptr<StepMemory> step;  // null where nothing is streamed
  };

  Parts make_parts(const Arena& arena) const {
    Parts parts;
    const std::uint64_t n_positives = positives_.view().size();
    ModelInput input{data_, positives_.view(), {}, positives_.floor(), *seen_, {}};
    if (family_.streams()) {
      input.batch_sizes = EpochOrder::batch_sizes(n_positives, batch_size_);
      input.is_cut = stream_options_.cut.row_bytes > 0;
    } else {
      input.weights = weights_;
    }
    parts.model = family_.make(arena, input);
    if (parts.model->scorer().predicts_ratings() != family_.predicts_ratings()) {
      throw std::logic_error("a family and its scorer differ in whether scores are ratings");
    }
    const std::uint64_t n_batches = (n_positives + batch_size_ - 1) / batch_size_;
    if (family_.streams()) parts.step = std::make_unique<StepMemory>(arena, n_batches);
    return parts;
  }

  std::unique_ptr<Validation> make_validation(const Arena& arena, TrainableModel& model, bool is_resident) const {
    const std::optional<double> relevant = relevant_from(positives_.floor(), data_.train);
    return std::make_unique<Validation>(arena, model.scorer(), data_.validation, *seen_, relevant, is_resident);
  }

  // What ranks items leaves out those that a user has.
  bool needs_seen() const { return family_.needs_seen() || !family_.predicts_ratings(); }
  void make_seen() {
    seen_ = &own_seen_;
    if (!needs_seen()) return;
    if (data_.seen != nullptr) {
      seen_ = data_.seen;
    } else {
      own_seen_ = SeenItems::from_ratings(data_.train, data_.n_users, data_.n_items);
    }
  }

  bool running() const { return result_.outcome == TrainOutcome::kFinished; }

  void check_groups() const {
    if (!options_.group_batches) return;
    if (data_.groups == nullptr)
      throw UsageError("--group-batches: nothing says which group items are of; give --items");
  }

  void check_memory() {
    MemoryPlan plan;
    plan.host_free = available_host_bytes();
    if (backend_.has_own_memory()) plan.device_free = backend_.free_bytes();
    const Parts planned = make_parts(Arena(backend_, plan));
    plan_data(plan, *planned.model);
    keeps_on_device_ = BestModel::plan(backend_, plan, *planned.model);
    plan.add_host("weights of positives", sizeof(float) * weights_.size());
    const std::uint64_t n_positives = positives_.view().size();
    if (needs_seen()) {
      plan.add_host("users' training items",
                    4 * data_.train.size() + 8 * (data_.n_users + 1ull) + 4 * std::uint64_t{data_.n_items});
    }
    if (options_.group_batches) {
      plan.add_host("order of the ratings by group", 8 * n_positives);
      plan.add_mapped("ratings by group (mapped file)", 12 * n_positives);
    }
    if (positives_.is_copy()) plan.add_mapped("positives (mapped file)", 12 * n_positives);
    if (chosen_ != nullptr) plan.add_host("the model that validation chose", planned.model->host_bytes());
    plan.add_mapped(fmt::format("data set, {} ratings (mapped file)", data_.train.size()), 12 * data_.train.size());
    if (callbacks_.plan) callbacks_.plan(plan);
    plan.check();
  }

  // The training ratings have the device's memory before the held-out ones, which every epoch reads once as well.
  void plan_data(MemoryPlan& plan, TrainableModel& model) {
    const MemoryPlan without = plan;
    RatingSourceOptions source = stream_options_;
    if (options_.group_batches) source.groups = {0};  // sizes do not depend on where groups begin
    const RatingView ratings = positives_.view();
    if (can_validate_) make_validation(Arena(backend_, plan), model, false);
    if (family_.streams()) is_resident_ = plan_ratings(backend_, plan, options_.resident, ratings, source);
    if (!can_validate_ || !family_.predicts_ratings() || options_.resident == "never") return;
    MemoryPlan with = without;
    validation_is_resident_ = add_where_it_fits(backend_, with, [&](const Arena& arena) {
      make_validation(arena, model, true);
      if (family_.streams()) make_source(arena, ratings, source, is_resident_);
    });
    if (!validation_is_resident_) return;
    with.remedy = plan.remedy;
    plan = std::move(with);
  }

  void run_epoch() {
    epoch_started_ = told_at_ = Clock::now();
    parts_.model->train_epoch(*this);
    if (!running()) return;
    end_epoch(seconds_since(epoch_started_));
    if (running() && epoch_ < n_epochs_ && wants_end()) interrupt();
  }

  // As the model sees the epoch.
  std::uint32_t number() const override { return epoch_; }
  double progress() const override { return static_cast<double>(epoch_ - 1) / options_.epochs; }
  void for_each_batch(const Step& step, std::uint64_t version) override {
    const std::uint64_t n_batches = stream_->n_batches();
    const TrainingStep arguments = parts_.step->arguments(options_);
    parts_.step->losses.start();
    stream_->start_epoch(epoch_);
    steps_.start_epoch(n_batches);
    std::uint64_t n_done = 0, ratings_done = 0;
    while (true) {
      const RatingBatch batch = stream_->next();
      if (batch.size == 0) break;
      const double epoch_progress = static_cast<double>(n_done) / static_cast<double>(n_batches);
      schedule_value_ = scheduled(options_, (epoch_ - 1 + epoch_progress) / options_.epochs);
      parts_.step->set(backend_, options_.seed, (epoch_ - 1) * n_batches + n_done, n_done, schedule_value_);
      steps_.run({batch.users, batch.size, version}, [&] { step(batch, arguments); });
      ++n_done;
      ratings_done += batch.size;
      const bool is_over = wants_end();
      if (!is_over && seconds_since(told_at_) < kTellSeconds) continue;
      if (!read_losses(n_done, ratings_done)) return;
      tell(static_cast<double>(n_done) / static_cast<double>(n_batches), static_cast<double>(ratings_done),
           seconds_since(epoch_started_));
      if (is_over) return interrupt();
    }
    read_losses(n_done, ratings_done);
  }
  bool report(double share_done, double loss) override {
    loss_ = loss;
    if (!std::isfinite(loss)) {
      diverged(fmt::format("the loss stopped being finite in epoch {}", epoch_));
      return false;
    }
    const bool is_over = share_done < 1 && wants_end();
    if (is_over || seconds_since(told_at_) >= kTellSeconds) {
      tell(share_done, share_done * static_cast<double>(positives_.view().size()), seconds_since(epoch_started_));
    }
    if (is_over) interrupt();
    return !is_over;
  }

  bool wants_end() const { return callbacks_.stop && callbacks_.stop(); }
  // Ends the run with the model as it is, or the best so far.
  void interrupt() {
    result_.outcome = TrainOutcome::kInterrupted;
    if (!can_validate_ || !has_best()) result_.best_epoch = epoch_;
  }

  // False where a step's loss is not finite: then the run has diverged.
  bool read_losses(std::uint64_t n_done, std::uint64_t ratings_done) {
    if (!parts_.step->losses.read(backend_, n_done)) {
      diverged();
      return false;
    }
    loss_ = parts_.model->epoch_loss(parts_.step->losses.total(), ratings_done, n_done);
    return true;
  }

  // `elapsed` seconds of the epoch.
  void tell(double share_of_epoch, double ratings_done, double elapsed) {
    told_at_ = Clock::now();
    if (!callbacks_.progress) return;
    const double share_done = (epoch_ - 1 + share_of_epoch) / n_epochs_;
    const double left = share_done > 0 ? seconds_since(started_) * (1 - share_done) / share_done : 0;
    callbacks_.progress({epoch_, n_epochs_, share_of_epoch, parts_.model->loss_name(), loss_, ratings_done / elapsed,
                         left, result_.best_epoch});
  }

  void end_epoch(double seconds) {
    const auto n_ratings = static_cast<double>(positives_.view().size());
    nlohmann::ordered_json line;
    line["epoch"] = epoch_;
    if (chosen_ != nullptr) line["refit"] = true;
    line[std::string("train_") + parts_.model->loss_name()] = loss_;
    if (stream_) line["learning_rate"] = schedule_value_.learning_rate;
    line["seconds"] = seconds;
    line["ratings_per_second"] = n_ratings / seconds;
    if (stream_) line["wait_share"] = std::max(0.0, 1 - steps_.busy_seconds() / seconds);
    parts_.model->describe_epoch(line);
    bool better = true;
    if (can_validate_) {
      const std::optional<double> value = validation_->measure(parts_.model->scorer(), line);
      if (!value) no_validation();
      if (value && !std::isfinite(*value)) {
        return diverged(fmt::format("the validation metric stopped being finite in epoch {}", epoch_));
      }
      better = !value || *value < best_value_;
      if (value && better) best_value_ = *value;
    }
    tell(1, n_ratings, seconds);
    history_.push_back(line);
    if (better) keep();
    if (callbacks_.evaluation) callbacks_.evaluation(line);
    if (options_.patience > 0 && can_validate_ && running() && epoch_ - result_.best_epoch >= options_.patience) {
      result_.outcome = TrainOutcome::kEarlyStopped;
    }
  }

  // A part without anything to score chooses nothing. What the part itself tells is said before the first epoch.
  void say_unscored() {
    if (validation_ && !validation_->why_unscored().empty()) say_unscored(validation_->why_unscored());
  }
  void say_unscored(const std::string& why) {
    said_unscored_ = true;
    notice(fmt::format(
        "the validation part has nothing that can be scored: {}; so it chooses no epoch, and the last one is kept{}",
        why, options_.refit ? "; nothing is trained again" : ""));
  }
  void no_validation() {
    can_validate_ = false;
    if (!said_unscored_) say_unscored("no other item competes with its own");
  }
  void notice(const std::string& text) const {
    if (callbacks_.notice) callbacks_.notice(text);
  }

  // Keeps the model as it is: the best so far by validation. Without validation that only serves a run that diverges
  // later, so it is done when its cost is a small part of the time since the last one.
  void keep() {
    if (!can_validate_ && has_best() && !best_->is_cheap()) return;
    const std::string fault = best_->keep(epoch_);
    if (!fault.empty()) return diverged(fault, epoch_);
    result_.best_epoch = epoch_;
  }
  bool has_best() const { return best_->epoch() > 0; }

  void diverged() {
    diverged(fmt::format("the loss stopped being finite in epoch {}, step {} of {}", epoch_,
                         parts_.step->losses.n_read() + (parts_.step->losses.n_read() < stream_->n_batches() ? 1 : 0),
                         stream_->n_batches()));
  }
  void diverged(const std::string& fault, std::uint32_t epoch) {
    diverged(fmt::format("{} stopped being finite in epoch {}", fault, epoch));
  }
  void diverged(const std::string& what) {
    result_.outcome = TrainOutcome::kDiverged;
    result_.has_model = has_best();
    const std::string remedy = family_.against_divergence();
    result_.message = remedy.empty() ? what : what + "; " + remedy;
  }

  void finish() {
    backend_.synchronize();
    const bool ends_with_best = result_.outcome == TrainOutcome::kDiverged || (can_validate_ && has_best());
    // After the last epoch what was kept may be of this very state.
    const bool is_kept = running() && has_best() && best_->epoch() == n_epochs_;
    if (!ends_with_best && !is_kept) {
      const std::uint32_t epoch = running() ? n_epochs_ : result_.best_epoch;
      const std::string fault = best_->download(result_.model);
      if (fault.empty()) {
        result_.best_epoch = epoch;
        return;
      }
      diverged(fault, epoch);
    }
    if (has_best()) take_best();
  }
  void take_best() {
    result_.best_epoch = best_->epoch();
    const std::string fault = best_->take(result_.model);
    if (fault.empty()) return;
    diverged(fault, best_->epoch());
    result_.has_model = false;
  }

  static constexpr double kTellSeconds = 0.1;  // at most so often

  Backend& backend_;
  const TrainData& data_;
  const ModelFamily& family_;
  const TrainOptions& options_;  // the family's
  const TrainCallbacks& callbacks_;
  const TrainResult* chosen_;
  std::uint32_t n_epochs_;  // to run; schedules go by options_.epochs
  Positives positives_;
  std::vector<float> weights_;  // of the positives; empty: each 1
  std::uint64_t batch_size_;
  RatingSourceOptions stream_options_;
  bool is_resident_ = false, validation_is_resident_ = false, keeps_on_device_ = false;
  GroupedRatings grouped_;
  SeenItems own_seen_;
  const SeenItems* seen_ = nullptr;  // of the training part
  Parts parts_;
  std::unique_ptr<Validation> validation_;  // null without a part to validate on
  std::optional<BestModel> best_;
  std::unique_ptr<RatingSource> stream_;  // null where the family streams nothing
  StepRunner steps_;
  bool can_validate_;
  bool said_unscored_ = false;
  TrainResult result_;
  std::vector<nlohmann::ordered_json> history_;
  std::uint32_t epoch_ = 0;  // the present one
  ScheduleValue schedule_value_{};
  double loss_ = 0;  // of the epoch so far
  Clock::time_point started_, epoch_started_, told_at_;
  double best_value_ = std::numeric_limits<double>::infinity();
};

}  // namespace

TrainResult run_training(Backend& backend, const TrainData& data, const ModelFamily& family,
                         const std::optional<float>& floor, const TrainCallbacks& callbacks,
                         const TrainResult* chosen) {
  return TrainingRun(backend, data, family, floor, callbacks, chosen).run();
}

}  // namespace unfold
