// A run of `unfold train` up to the trained model; train_run_end.cpp has what becomes of it.
#include "host/cli/train_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/cli/interrupt.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/text.hpp"
#include "host/cli/training_summary.hpp"
#include "host/eval/validation_part.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {

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
  check_device(options(), *backend_);
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

// Which ratings are positives of a model that predicts none: resolved here once, of the whole data set.
void TrainRun::resolve_positives(const LoadedData& data) {
  const ImportReport& report = data.dataset.report();
  const RatingView ratings = data.dataset.ratings();
  ModelFamily& family = *request_.family;
  const auto option = family.option("positive-from");
  const bool has_option = option.has_value(), was_given = has_option && !option->text().empty();
  positive_from_ = family.positive_from(ratings);
  if (family.predicts_ratings() || report.rating_min == report.rating_max) return;
  if (!positive_from_) {
    progress_.say(fmt::format("note: all ratings, from {:g} to {:g}, count as positives of model {}{}",
                              report.rating_min, report.rating_max, family.name(),
                              has_option ? "; --positive-from X lets those below X say no" : ""));
    return;
  }
  if (!request_.score.relevant_rating) evaluate_options_.relevant_rating = static_cast<double>(*positive_from_);
  const auto n_low = std::ranges::count_if(ratings.ratings, [&](float rating) { return rating < *positive_from_; });
  progress_.say(
      fmt::format("note: {} of {} ratings are {} and no positives of model {}, in training, validation "
                  "and test{}",
                  format_count(static_cast<std::uint64_t>(n_low)), format_count(ratings.size()),
                  was_given ? fmt::format("below {}", *positive_from_) : "0 or below", family.name(),
                  was_given || !has_option ? "" : "; --positive-from X draws the line elsewhere"));
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
      &seen_,      positive_from_};
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

}  // namespace unfold::cli
