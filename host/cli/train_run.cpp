#include "host/cli/train_run.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "host/cli/advice.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "host/cli/training_summary.hpp"
#include "host/eval/validation_part.hpp"
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
  request_.family->validate();
  if (options().refit && (request_.validation.empty() || request_.validation == "none")) {
    throw UsageError(
        "--refit trains again on training and validation together; name a validation part with "
        "--validation, such as random:0.1");
  }
  request_.input.resolve();
  split_ = SplitSpec::parse(request_.split);
  if (!request_.test.empty() && split_.kind != SplitKind::kNone) {
    throw UsageError(fmt::format("--test {} and --split {} both name a test part; give one, or --split none",
                                 request_.test, request_.split));
  }
  if (options().group_batches && request_.score.items.empty()) {
    throw UsageError("--group-batches needs the groups of items; name a table with --items");
  }
  if (!request_.score.items.empty() && !options().group_batches && request_.test.empty() &&
      split_.kind == SplitKind::kNone) {
    throw UsageError("--items measures folding beside the scores on the test part; name one with --test or --split");
  }
  const std::string& validation = request_.validation;
  has_validation_file_ = !validation.empty() && validation != "none" && !SplitSpec::looks_like(validation);
  if (!has_validation_file_ && !validation.empty()) validation_split_ = SplitSpec::parse(validation);
  request_.input.overwrite = request_.overwrite;
  check_outputs(
      {{"DATA", request_.data},
       {"--test", request_.test},
       {"--validation", has_validation_file_ ? validation : ""},
       {"--items", request_.score.items}},
      {{"--out", request_.out.string()}, {"--log-json", request_.log_json}, {"--rejected", request_.input.rejected}},
      request_.overwrite);
  check_model_target(request_.out, request_.overwrite);
}

void TrainRun::warn(const std::string& text) { progress_.warn(text); }

void TrainRun::log_line(const nlohmann::ordered_json& line) {
  log_->write(line, [this](const std::string& text) { warn(text); });
}

int TrainRun::run() {
  catch_interrupts();
  backend_ = open_backend(options().device, options().threads, progress_);
  LoadedData data = load_data(request_.data, request_.input, progress_);
  request_.input.is_next = true;
  const ImportReport& report = data.dataset.report();
  if (request_.family->predicts_ratings() && report.rating_min == report.rating_max) {
    progress_.say(
        fmt::format("note: every rating is {:g}; from positives alone {} learns that constant and no order "
                    "among items; --model softmax is for that",
                    report.rating_min, request_.family->name()));
  }
  groups_ = request_.score.read_groups(data.item_ids, progress_);
  if (groups_) evaluate_options_.groups = &*groups_;
  resolve_positives(data);
  Parts parts = make_parts(data);
  if (!request_.family->predicts_ratings()) {
    leave_out_dislikes("test part", parts.test, report.rating_min, evaluate_options_, progress_);
    if (!positive_from_ && report.rating_min > 0) say_dislikes("validation part", parts.validation, "", progress_);
  }
  seen_ = SeenItems::from_ratings(parts.train, data.dataset.n_users(), data.dataset.n_items());
  seen_.hold_out(parts.validation, parts.test);
  check_refit(parts);
  throw_if_interrupted();
  log_ = std::make_unique<JsonLog>(request_.log_json, request_.overwrite);
  TrainResult result = train_parts(data, parts);
  return finish(data, parts, result);
}

// Which ratings are positives of a model that predicts none: resolved here once, of the whole data set, so that
// model.json says so.
void TrainRun::resolve_positives(const LoadedData& data) {
  const ImportReport& report = data.dataset.report();
  const RatingView ratings = data.dataset.ratings();
  ModelFamily& family = *request_.family;
  const nlohmann::ordered_json before = family.to_json();
  if (!before.contains("positive-from")) return;
  const bool was_given = !before["positive-from"].get<std::string>().empty();
  positive_from_ = family.positive_from(ratings);
  if (family.predicts_ratings() || report.rating_min == report.rating_max) return;
  if (!positive_from_) {
    progress_.say(
        fmt::format("note: all ratings, from {:g} to {:g}, count as positives of model {}; "
                    "--positive-from X lets those below X say no",
                    report.rating_min, report.rating_max, family.name()));
    return;
  }
  family.set("positive-from", fmt::format("{}", *positive_from_));
  if (!request_.score.relevant_rating) evaluate_options_.relevant_rating = static_cast<double>(*positive_from_);
  const auto n_low = std::ranges::count_if(ratings.ratings, [&](float rating) { return rating < *positive_from_; });
  progress_.say(
      fmt::format("note: {} of {} ratings are {} and no positives of model {}, in training, validation "
                  "and test{}",
                  format_count(static_cast<std::uint64_t>(n_low)), format_count(ratings.size()),
                  was_given ? fmt::format("below {}", *positive_from_) : "0 or below", family.name(),
                  was_given ? "" : "; --positive-from X draws the line elsewhere"));
}

TrainRun::Parts TrainRun::make_parts(const LoadedData& data) {
  Parts parts;
  const std::uint32_t n_users = data.dataset.n_users();
  parts.train = data.dataset.ratings();
  if (split_.kind != SplitKind::kNone) {
    SplitResult split = split_ratings(parts.train, n_users, split_, options().seed, RandomPurpose::kSplit);
    parts.kept = std::move(split.kept);
    parts.test_columns = std::move(split.held_out);
    parts.train = parts.kept.view();
  } else if (!request_.test.empty()) {
    MappedRatings mapped =
        load_mapped("test", request_.test, data.user_ids, data.item_ids, request_.input, positive_from_, progress_);
    parts.report["test"] = to_json(mapped.report);
    parts.test_columns = std::move(mapped.ratings);
  }
  if (validation_split_.kind != SplitKind::kNone) {
    SplitResult split =
        split_ratings(parts.train, n_users, validation_split_, options().seed, RandomPurpose::kValidationSplit);
    parts.kept = std::move(split.kept);
    parts.validation_columns = std::move(split.held_out);
    parts.train = parts.kept.view();
  } else if (has_validation_file_) {
    MappedRatings mapped = load_mapped("validation", request_.validation, data.user_ids, data.item_ids, request_.input,
                                       positive_from_, progress_);
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

// A model that is trained on its validation part can be scored on no pair of it. A part that chooses no epoch says
// nothing about how long to train again.
void TrainRun::check_refit(const Parts& parts) {
  if (options().refit) {
    const bool ranks = !request_.family->predicts_ratings();
    const std::string why =
        why_unscored(parts.validation, ranks ? &seen_ : nullptr, relevant_from(positive_from_, parts.train));
    if (!why.empty()) {
      throw DataError(fmt::format(
          "--refit trains again for as many epochs as validation chose, and nothing of the validation part can be "
          "scored: {}; name another part with --validation, or leave out --refit",
          why));
    }
  }
  if (parts.validation.size() == 0 || seen_.test.items.empty()) return;
  std::uint64_t n_shared = 0;
  for (std::uint64_t n = 0; n < parts.validation.size(); ++n) {
    const Rating rating = parts.validation[n];
    if (rating.user == kNoRow || rating.item == kNoRow) continue;
    n_shared += seen_.test.contains(rating.user, rating.item) ? 1 : 0;
  }
  if (n_shared == 0) return;
  progress_.say(
      fmt::format("note: {} pairs are in validation and in test: the test part helps to choose the epoch, so "
                  "its scores are no estimate for new data{}",
                  format_count(n_shared), options().refit ? ", and nothing is trained again on validation" : ""));
  options().refit = false;
}

TrainResult TrainRun::train_parts(LoadedData& data, const Parts& parts) {
  TrainCallbacks callbacks;
  callbacks.plan = [this](const MemoryPlan& plan) {
    std::string table = plan.to_string();
    while (table.ends_with('\n')) table.pop_back();
    progress_.say(table);
  };
  callbacks.progress = [this](const TrainProgress& state) { progress_.training(state); };
  callbacks.evaluation = [this](const nlohmann::ordered_json& line) {
    log_line(line);
    progress_.epoch(line, line.contains("refit") ? n_refit_epochs_ : options().epochs);
  };
  callbacks.chosen = [&](TrainResult& chosen) { keep_chosen(data, parts, chosen); };
  callbacks.notice = [this](const std::string& notice) { warn("unfold: warning: " + notice); };
  callbacks.stop = interrupted;
  progress_.say(fmt::format("training {} on {}", request_.family->name(), backend_text(*backend_)));
  const TrainData view{
      parts.train, parts.validation, data.dataset.n_users(), data.dataset.n_items(), groups_ ? &*groups_ : nullptr,
      &seen_};
  TrainResult result = train(*backend_, view, *request_.family, callbacks);
  if (chosen_ && result.outcome == TrainOutcome::kInterrupted) {
    progress_.clear();
  } else {
    progress_.say(training_summary(result, options()));
  }
  return result;
}

// The model that validation chose is on disk before it is trained again, whatever happens then.
void TrainRun::keep_chosen(LoadedData& data, const Parts& parts, TrainResult& chosen) {
  n_refit_epochs_ = chosen.best_epoch;
  chosen_ = save(data, parts, chosen);
  progress_.say(
      fmt::format("note: validation chose epoch {}; training again on training and validation together, for {} "
                  "epochs (--refit=false leaves this out)",
                  chosen.best_epoch, chosen.best_epoch));
}

// Where it belongs, or over the model that validation chose.
KeptModel TrainRun::save(LoadedData& data, const Parts& parts, TrainResult& result) {
  Model& model = result.model;
  model.training = describe(data, parts, result);
  model.config = config_;
  model.user_ids = std::move(data.user_ids);
  model.item_ids = std::move(data.item_ids);
  model.seen = std::move(seen_);
  const std::filesystem::path wanted = chosen_ ? chosen_->path : target(result.outcome);
  const bool replaces = chosen_ || (request_.overwrite && (is_complete(result.outcome) || wanted != request_.out));
  KeptModel kept = keep_model(model, wanted, replaces);
  if (!kept.trouble.empty()) {
    warn(fmt::format("unfold: warning: {}; the model is in {} instead", kept.trouble, kept.path.string()));
  } else if (chosen_) {
    kept.trouble = chosen_->trouble;
  }
  data.user_ids = std::move(model.user_ids);
  data.item_ids = std::move(model.item_ids);
  seen_ = std::move(model.seen);
  return kept;
}

// The lists of a model that was trained on its validation part too.
void TrainRun::join_seen(const LoadedData& data, const TrainResult& result, Parts& parts) {
  const RatingView joined = result.joined.view();
  parts.report["n_refit"] = joined.size();
  seen_ = SeenItems::from_ratings(joined, data.dataset.n_users(), data.dataset.n_items());
  seen_.hold_out({}, parts.test);
}

Evaluation TrainRun::evaluate_test(const Model& model, const Parts& parts, bool has_ratings) {
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend_, model);
  return evaluate(*backend_, *scorer, parts.test, seen_, has_ratings, evaluate_options_);
}

nlohmann::ordered_json TrainRun::describe(const LoadedData& data, const Parts& parts, const TrainResult& result) const {
  nlohmann::ordered_json training;
  training["outcome"] = outcome_name(result.outcome);
  training["best_epoch"] = result.best_epoch;
  training["refitted"] = result.refitted;
  training["options"] = request_.family->to_json();
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

int TrainRun::finish(LoadedData& data, Parts& parts, TrainResult& result) {
  if (!result.has_model) throw DivergedError(result.message + "; no model was written");
  if (chosen_ && result.outcome == TrainOutcome::kInterrupted) {
    warn(fmt::format("unfold: interrupted while training again; the model that validation chose is in {}",
                     chosen_->path.string()));
    return kInterruptedExitCode;
  }
  if (result.refitted) join_seen(data, result, parts);
  // Before anything else is done with it: what comes may take long, and may be killed.
  KeptModel kept = save(data, parts, result);
  const std::string place = kept.path.string();

  if (result.outcome == TrainOutcome::kDiverged) {
    throw DivergedError(fmt::format("{}; the model of epoch {} is in {}", result.message, result.best_epoch, place));
  }
  if (result.outcome == TrainOutcome::kInterrupted) {
    warn(fmt::format("unfold: interrupted; the model so far is in {}", place));
    return kInterruptedExitCode;
  }
  score(data, parts, result, kept);
  say_next(data.user_ids, kept.path);
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
    model.metrics = evaluation.to_json();
    warn_of_scores("test part", evaluation, "", progress_);
    const std::string table = score_table(evaluation) + advice(evaluation, model);
    print_out("{}", request_.json ? json_page(model.metrics) + "\n" : table);
    flush_stdout();
    log_line({{"epoch", result.best_epoch}, {"test", model.metrics}});
    kept.saved.set_metrics(model.metrics);
  } catch (...) {
    if (kept.saved.is_replaced()) throw;  // what is there is another run's
    warn(fmt::format("unfold: warning: the model is in {}, and its scores are not in it", kept.path.string()));
    throw;
  }
}

void TrainRun::say_next(const IdMap& user_ids, const std::filesystem::path& written) {
  const std::string name = shell_quote(written.string());
  std::string next;
  if (!request_.family->predicts_ratings()) {
    // The user with the most training items, where a shell takes the id as it stands.
    const std::string id(user_ids.id(0));
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
