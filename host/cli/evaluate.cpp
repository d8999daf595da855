// unfold evaluate MODEL --test FILE
#include "unfold/evaluate.hpp"

#include <memory>

#include "host/cli/advice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/input_options.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/scores.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct EvaluateCommand {
  std::string model, test, candidates;
  std::string device = "auto";
  std::uint32_t threads = 0;
  ScoreOptions score;
  InputOptions input;
  bool exclude_seen = false;
  bool quiet = false;
  bool json = false;
};

// The ratings whose pair is new to the model: neither in its training nor in its validation part.
Ratings new_ratings(const RatingView& test, const SeenItems& seen) {
  RatingWriter kept = RatingWriter::temporary(test.has_times());
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    const Rating rating = test[n];
    const bool is_known = rating.user != kNoRow && rating.item != kNoRow;
    const auto is_in = [&](const ItemLists& lists) { return lists.contains(rating.user, rating.item); };
    if (!is_known || (!is_in(seen) && !is_in(seen.validation))) kept.append(rating);
  }
  return kept.finish();
}

int run(const EvaluateCommand& command) {
  if (command.test.empty() && command.candidates.empty()) {
    throw UsageError("evaluate: give --test FILE, --candidates FILE, or both");
  }
  EvaluateOptions options = command.score.resolve();
  if (command.test.empty() && command.exclude_seen) {
    throw UsageError("evaluate: --exclude-seen leaves out ratings of a test file; give --test FILE too");
  }
  if (command.test.empty() && !command.score.items.empty()) {
    throw UsageError("evaluate: --items measures folding beside the scores on a test file; give --test FILE too");
  }
  check_outputs({{"MODEL", command.model},
                 {"--test", command.test},
                 {"--candidates", command.candidates},
                 {"--items", command.score.items}},
                {{"--rejected", command.input.rejected}}, command.input.overwrite);
  Progress progress(command.quiet);
  const Model model = open_model(command.model);
  say_unknown_parts(command.model, model, progress);
  if (const auto floor = positive_from(model); floor && !command.score.relevant_rating) {
    options.relevant_rating = static_cast<double>(*floor);
  }
  const std::optional<ItemGroups> groups = command.score.read_groups(model.item_ids, progress);
  if (groups) options.groups = &*groups;
  const std::unique_ptr<Backend> backend = make_backend(command.device, command.threads);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);

  nlohmann::ordered_json scores;
  std::string tables;
  if (!command.test.empty()) {
    MappedRatings test = load_mapped("test", command.test, model.user_ids, model.item_ids, command.input,
                                     positive_from(model), progress);
    if (command.exclude_seen) {
      const std::uint64_t n = test.ratings.size();
      test.ratings = new_ratings(test.ratings.view(), model.seen);
      progress.say(fmt::format("  {} of them left out: the model was trained or validated on these pairs",
                               format_count(n - test.ratings.size())));
    }
    if (!predicts_ratings(model) && model.training.contains("data")) {
      leave_out_dislikes(command.test, test.ratings.view(), model.training["data"].value("rating_min", 0.0), options,
                         progress);
    }
    const Evaluation evaluation =
        evaluate(*backend, *scorer, test.ratings.view(), model.seen,
                 predicts_ratings(model) && has_ratings(model) && test.report.has_ratings, options);
    warn_of_scores(command.test, evaluation, "--exclude-seen leaves them out altogether", progress);
    scores = evaluation.to_json();
    tables = score_table(evaluation) + advice(evaluation, model);
  }
  if (!command.candidates.empty()) {
    const Evaluation evaluation = evaluate_candidates(*backend, *scorer, model, command.candidates, options);
    warn_of_scores(command.candidates, evaluation, "", progress);
    if (command.test.empty()) {
      scores = evaluation.to_json();
    } else {
      scores["candidates"] = evaluation.to_json();
      tables += "\namong candidates\n";
    }
    tables += score_table(evaluation) + advice(evaluation, model);
  }
  print_out("{}", command.json ? json_page(scores) + "\n" : tables);
  return 0;
}

}  // namespace

RunCommand add_evaluate(CLI::App& root) {
  CLI::App& app = add_command(
      root, "evaluate", "score a model on a test file, beside the popularity baseline",
      "Rating error, and full ranking over all items with each user's training and validation items masked.\n\n"
      "Examples:\n"
      "  unfold evaluate model --test test.csv --at 5,10,20 --json\n"
      "  unfold evaluate model --test test.csv --items items.tsv --group-column genre");
  auto command = std::make_shared<EvaluateCommand>();
  OptionSet options(app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->test, "test", "a file of ratings", Saved::kYes, "FILE");
  options.add(command->candidates, "candidates",
              "rank each test item among its own negatives: lines of (user,item), then items, separated by tabs",
              Saved::kYes, "FILE");
  options.add(command->exclude_seen, "exclude-seen",
              "leave out the test ratings whose pair the model was trained or validated on, of rmse and mae too");
  command->score.add(options);
  add_device_options(options, command->device, command->threads);
  command->input.add_reading(options);
  options.add(command->input.overwrite, "overwrite", "replace the file of --rejected where it exists", Saved::kNo);
  options.add(command->quiet, "quiet", kQuietHelp);
  options.add(command->json, "json", "print the scores as one JSON object");
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
