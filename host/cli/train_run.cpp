#include "host/cli/train_run.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "host/cli/advice.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/text.hpp"
#include "host/cli/training_summary.hpp"
#include "unfold/error.hpp"
#include "unfold/version.hpp"

namespace unfold::cli {
namespace {

const char* outcome_name(TrainOutcome outcome) {
  switch (outcome) {
    case TrainOutcome::kFinished:
      return "finished";
    case TrainOutcome::kEarlyStopped:
      return "early-stopped";
    case TrainOutcome::kInterrupted:
      return "interrupted";
    case TrainOutcome::kDiverged:
      return "diverged";
  }
  return "";
}

bool is_complete(TrainOutcome outcome) {
  return outcome == TrainOutcome::kFinished || outcome == TrainOutcome::kEarlyStopped;
}

}  // namespace

JsonLog::JsonLog(const std::string& file) : name_(file) {
  if (file.empty()) return;
  file_.reset(std::fopen(file.c_str(), "w"));
  if (!file_) throw DataError(fmt::format("--log-json {}: cannot be written: {}", file, std::strerror(errno)));
}

void JsonLog::write(const nlohmann::ordered_json& line) {
  if (!file_) return;
  fmt::print(file_.get(), "{}\n", json_line(line));
  if (std::fflush(file_.get()) != 0) {
    throw DataError(fmt::format("--log-json {}: cannot be written: {}", name_, std::strerror(errno)));
  }
}

TrainRun::TrainRun(const TrainRequest& request, std::string config)
    : request_(request),
      config_(std::move(config)),
      evaluate_options_(request.score.resolve()),
      progress_(request.quiet) {
  validate(request_.options);
  request_.input.resolve();
  split_ = SplitSpec::parse(request_.split);
  if (!request_.test.empty() && split_.kind != SplitKind::kNone) {
    throw UsageError(fmt::format("--test {} and --split {} both name a test part; give one, or --split none",
                                 request_.test, request_.split));
  }
  if (request_.options.group_batches && request_.score.items.empty()) {
    throw UsageError("--group-batches needs the groups of items; name a table with --items");
  }
  if (!request_.score.items.empty() && !request_.options.group_batches && request_.test.empty() &&
      split_.kind == SplitKind::kNone) {
    throw UsageError("--items measures folding beside the scores on the test part; name one with --test or --split");
  }
  const std::string& validation = request_.validation;
  has_validation_file_ = !validation.empty() && validation != "none" && !SplitSpec::looks_like(validation);
  if (!has_validation_file_ && !validation.empty()) validation_split_ = SplitSpec::parse(validation);
  check_model_target(request_.out, request_.overwrite);
}

int TrainRun::run() {
  catch_interrupts();
  backend_ = open_backend(request_.options.device, request_.options.threads, progress_);
  LoadedData data = load_data(request_.data, request_.input, progress_);
  const ImportReport& report = data.dataset.report();
  if (request_.options.model == "mf" && report.rating_min == report.rating_max) {
    progress_.say(
        fmt::format("note: every rating is {:g}; from positives alone {} learns that constant and no order "
                    "among items; --model softmax is for that",
                    report.rating_min, request_.options.model));
  }
  groups_ = request_.score.read_groups(data.item_ids, progress_);
  if (groups_) evaluate_options_.groups = &*groups_;
  const Parts parts = make_parts(data);
  seen_ = SeenItems::from_ratings(parts.train, data.dataset.n_users(), data.dataset.n_items());
  throw_if_interrupted();
  log_ = std::make_unique<JsonLog>(request_.log_json);
  TrainResult result = train_parts(data, parts);
  return finish(data, parts, result);
}

TrainRun::Parts TrainRun::make_parts(const LoadedData& data) {
  Parts parts;
  const std::uint32_t n_users = data.dataset.n_users();
  parts.train = data.dataset.ratings();
  if (split_.kind != SplitKind::kNone) {
    SplitResult split = split_ratings(parts.train, n_users, split_, request_.options.seed, RandomPurpose::kSplit);
    parts.kept = std::move(split.kept);
    parts.test_columns = std::move(split.held_out);
    parts.train = parts.kept.view();
  } else if (!request_.test.empty()) {
    MappedRatings mapped = load_mapped("test", request_.test, data.user_ids, data.item_ids, request_.input, progress_);
    parts.report["test"] = to_json(mapped.report);
    parts.test_columns = std::move(mapped.ratings);
  }
  if (validation_split_.kind != SplitKind::kNone) {
    SplitResult split =
        split_ratings(parts.train, n_users, validation_split_, request_.options.seed, RandomPurpose::kValidationSplit);
    parts.kept = std::move(split.kept);
    parts.validation_columns = std::move(split.held_out);
    parts.train = parts.kept.view();
  } else if (has_validation_file_) {
    MappedRatings mapped =
        load_mapped("validation", request_.validation, data.user_ids, data.item_ids, request_.input, progress_);
    parts.report["validation"] = to_json(mapped.report);
    parts.validation_columns = std::move(mapped.ratings);
  }
  parts.validation = parts.validation_columns.view();
  parts.test = parts.test_columns.view();
  parts.report["n_train"] = parts.train.size();
  parts.report["n_validation"] = parts.validation.size();
  parts.report["n_test"] = parts.test.size();
  progress_.say(fmt::format("{} ratings to train, {} to validate, {} to test", format_count(parts.train.size()),
                            format_count(parts.validation.size()), format_count(parts.test.size())));
  return parts;
}

TrainResult TrainRun::train_parts(const LoadedData& data, const Parts& parts) {
  TrainCallbacks callbacks;
  callbacks.plan = [this](const MemoryPlan& plan) {
    std::string table = plan.to_string();
    while (table.ends_with('\n')) table.pop_back();
    progress_.say(table);
  };
  callbacks.progress = [this](const TrainProgress& state) { progress_.training(state); };
  callbacks.evaluation = [this](const nlohmann::ordered_json& line) {
    log_->write(line);
    progress_.epoch(line, request_.options.epochs);
  };
  callbacks.notice = [this](const std::string& notice) { progress_.say("note: " + notice); };
  callbacks.stop = interrupted;
  progress_.say(fmt::format("training {} on {}", request_.options.model, backend_text(*backend_)));
  const TrainData view{parts.train, parts.validation, data.dataset.n_users(), data.dataset.n_items(),
                       groups_ ? &*groups_ : nullptr};
  TrainResult result = train(*backend_, view, request_.options, callbacks);
  progress_.say(training_summary(result, request_.options));
  return result;
}

Evaluation TrainRun::evaluate_test(const Model& model, const Parts& parts, bool has_ratings) {
  const UploadedModel uploaded(*backend_, model);
  return evaluate(*backend_, uploaded.tables(), parts.test, seen_, has_ratings, evaluate_options_);
}

nlohmann::ordered_json TrainRun::describe(const LoadedData& data, const Parts& parts, const TrainResult& result) const {
  nlohmann::ordered_json training;
  training["outcome"] = outcome_name(result.outcome);
  training["best_epoch"] = result.best_epoch;
  training["options"] = to_json(request_.options);
  training["data"] = to_json(data.dataset.report());
  training["data"]["source"] = request_.data;
  training["split"] = split_.to_string();
  training["test"] = request_.test;
  training["validation"] = has_validation_file_ ? request_.validation : validation_split_.to_string();
  training["parts"] = parts.report;
  training["backend"] = backend_->name();
  training["device"] = backend_->description();
  training["version"] = kVersion;
  training["commit"] = build_info().commit;
  return training;
}

std::filesystem::path TrainRun::target(TrainOutcome outcome) const {
  std::error_code ignored;
  if (is_complete(outcome) || !std::filesystem::exists(request_.out, ignored)) return request_.out;
  return request_.out.string() + ".partial";
}

int TrainRun::finish(LoadedData& data, const Parts& parts, TrainResult& result) {
  if (!result.has_model) throw DivergedError(result.message + "; no model was written");
  const bool complete = is_complete(result.outcome);
  Model& model = result.model;
  model.training = describe(data, parts, result);
  model.config = config_;

  // A finished model is kept even when its evaluation fails.
  std::exception_ptr evaluation_failure;
  Evaluation evaluation;
  const bool has_test = complete && parts.test.size() > 0;
  try {
    if (has_test) {
      evaluation = evaluate_test(model, parts, data.dataset.report().has_ratings && predicts_ratings(model));
      model.scores = evaluation.to_json();
      log_->write({{"epoch", result.best_epoch}, {"test", model.scores}});
    }
  } catch (...) {
    evaluation_failure = std::current_exception();
  }
  model.user_ids = std::move(data.user_ids);
  model.item_ids = std::move(data.item_ids);
  model.seen = std::move(seen_);
  const std::filesystem::path written = target(result.outcome);
  save_model(model, written, written != request_.out || request_.overwrite);
  if (evaluation_failure) std::rethrow_exception(evaluation_failure);

  if (result.outcome == TrainOutcome::kDiverged) {
    throw DivergedError(
        fmt::format("{}; the model of epoch {} is in {}", result.message, result.best_epoch, written.string()));
  }
  if (result.outcome == TrainOutcome::kInterrupted) {
    progress_.warn(fmt::format("unfold: interrupted; the model so far is in {}", written.string()));
    return kInterruptedExitCode;
  }
  if (has_test) {
    const std::string table = score_table(evaluation) + advice(evaluation, model.kind);
    fmt::print("{}", request_.json ? json_page(model.scores) + "\n" : table);
  }
  if (!has_test && request_.json) fmt::print("{{}}\n");
  std::fflush(stdout);
  say_next(model, written);
  return interrupted() ? kInterruptedExitCode : 0;
}

void TrainRun::say_next(const Model& model, const std::filesystem::path& written) {
  const std::string name = shell_quote(written.string());
  std::string next;
  if (model.kind == "softmax") {
    // The user with the most training items, where a shell takes the id as it stands.
    const std::string id(model.user_ids.id(0));
    const bool is_plain = shell_quote(id) == id && !id.starts_with('-');
    next = fmt::format("  unfold recommend {} --user {} --items TITLES\n  unfold export {} --format faiss\n", name,
                       is_plain ? id : "ID", name);
  } else {
    next = fmt::format("  unfold evaluate {} --test FILE\n  unfold export {} --format npy\n", name, name);
  }
  progress_.say(fmt::format("\nThe model is in {}. Next:\n{}  unfold train {} --config {} --out ANOTHER --seed 2", name,
                            next, shell_quote(request_.data), shell_quote((written / "config.toml").string())));
}

}  // namespace unfold::cli
