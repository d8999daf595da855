// What becomes of a trained model: it is saved, evaluated, and the user is told where it is.
#include <utility>

#include "host/cli/advice.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "host/cli/train_run.hpp"
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
  training["positive_from"] = positive_from_ ? nlohmann::ordered_json(*positive_from_) : nlohmann::ordered_json();
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
