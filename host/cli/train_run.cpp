#include "host/cli/train_run.hpp"

#include <cstdio>
#include <utility>

#include "host/cli/interrupt.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "host/io/output_rule.hpp"
#include "unfold/error.hpp"
#include "unfold/version.hpp"

namespace unfold::cli {
namespace {

// The model is there, but not under its name, or not all that belongs to it.
constexpr int kIncompleteExitCode = 3;

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
  request_.input.overwrite = request_.overwrite;
  check_outputs({{"DATA", request_.data},
                 {"--test", request_.test},
                 {"--validation", has_validation_file_ ? validation : ""},
                 {"--items", request_.score.items},
                 {"--config", request_.config_file}},
                {{"--out", request_.out.string()},
                 {"--log-json", request_.log_json},
                 {"--rejected", request_.input.rejected}},
                request_.overwrite);
  check_model_target(request_.out, request_.overwrite);
}

void TrainRun::warn(const std::string& text) { progress_.warn(text); }

void TrainRun::log_line(const nlohmann::ordered_json& line) {
  log_->write(line, [this](const std::string& text) { warn(text); });
}

int TrainRun::run() {
  catch_interrupts();
  backend_ = make_backend(request_.options.device, request_.options.threads,
                          [this](const std::string& notice) { progress_.warn("unfold: " + notice); });
  LoadedData data = load_data(request_.data, request_.input, progress_);
  request_.input.is_next = true;
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
  log_ = std::make_unique<JsonLog>(request_.log_json, request_.overwrite);
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
    log_line(line);
    progress_.epoch(line, request_.options.epochs);
  };
  callbacks.notice = [this](const std::string& notice) { progress_.say("note: " + notice); };
  callbacks.stop = interrupted;
  progress_.say(
      fmt::format("training {} on {}: {}", request_.options.model, backend_->name(), backend_->description()));
  const TrainData view{parts.train, parts.validation, data.dataset.n_users(), data.dataset.n_items(),
                       groups_ ? &*groups_ : nullptr};
  TrainResult result = train(*backend_, view, request_.options, callbacks);
  progress_.clear();
  return result;
}

Evaluation TrainRun::evaluate_test(const Model& model, const Parts& parts, bool has_ratings) {
  const UploadedModel uploaded(*backend_, model);
  return evaluate(*backend_, uploaded.tables(), parts.test, model.seen, has_ratings, evaluate_options_);
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
  const std::filesystem::path partial = request_.out.string() + ".partial";
  return request_.overwrite ? partial : next_free(partial);
}

int TrainRun::finish(LoadedData& data, const Parts& parts, TrainResult& result) {
  if (!result.has_model) throw DivergedError(result.message + "; no model was written");
  Model& model = result.model;
  model.training = describe(data, parts, result);
  model.config = config_;
  model.user_ids = std::move(data.user_ids);
  model.item_ids = std::move(data.item_ids);
  model.seen = std::move(seen_);
  // Before anything else is done with it: what comes may take long, and may be killed.
  const std::filesystem::path wanted = target(result.outcome);
  const bool replaces = request_.overwrite && (is_complete(result.outcome) || wanted != request_.out);
  KeptModel kept = keep_model(model, wanted, replaces);
  const std::string place = kept.path.string();
  if (!kept.trouble.empty()) warn(fmt::format("unfold: warning: {}; the model is in {} instead", kept.trouble, place));

  if (result.outcome == TrainOutcome::kDiverged) {
    throw DivergedError(fmt::format("{}; the model of epoch {} is in {}", result.message, result.best_epoch, place));
  }
  if (result.outcome == TrainOutcome::kInterrupted) {
    warn(fmt::format("unfold: interrupted; the model so far is in {}", place));
    return kInterruptedExitCode;
  }
  score(data, parts, result, kept);
  say_next(kept.path);
  if (interrupted()) return kInterruptedExitCode;
  return kept.trouble.empty() && log_->is_whole() ? 0 : kIncompleteExitCode;
}

void TrainRun::score(const LoadedData& data, const Parts& parts, TrainResult& result, KeptModel& kept) {
  Model& model = result.model;
  if (parts.test.size() == 0) {
    if (request_.json) print_out("{{}}\n");
    return;
  }
  try {
    const Evaluation evaluation =
        evaluate_test(model, parts, data.dataset.report().has_ratings && predicts_ratings(model));
    model.scores = evaluation.to_json();
    print_out("{}", request_.json ? json_page(model.scores) + "\n" : score_table(evaluation));
    std::fflush(stdout);
    log_line({{"epoch", result.best_epoch}, {"test", model.scores}});
    kept.saved.set_scores(model.scores);
  } catch (...) {
    warn(fmt::format("unfold: warning: the model is in {}, and its scores are not in it", kept.path.string()));
    throw;
  }
}

void TrainRun::say_next(const std::filesystem::path& model) {
  const std::string name = shell_quote(model.string());
  progress_.say(
      fmt::format("\nThe model is in {}. Next:\n"
                  "  unfold export {} --format npy\n"
                  "  unfold evaluate {} --test FILE\n"
                  "  unfold train {} --config {} --out ANOTHER --seed 2",
                  name, name, name, shell_quote(request_.data), shell_quote((model / "config.toml").string())));
}

}  // namespace unfold::cli
