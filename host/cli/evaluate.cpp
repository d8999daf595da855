// unfold evaluate MODEL --test FILE
#include "unfold/evaluate.hpp"

#include <memory>

#include "host/cli/advice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/input_options.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/scores.hpp"
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
  bool quiet = false;
  bool json = false;
};

// The model was trained on ratings, not on bare pairs.
bool is_explicit(const Model& model) {
  const auto data = model.training.find("data");
  return predicts_ratings(model) && (data == model.training.end() || data->value("has_ratings", true));
}

int run(const EvaluateCommand& command) {
  if (command.test.empty() && command.candidates.empty()) {
    throw UsageError("evaluate: give --test FILE, --candidates FILE, or both");
  }
  EvaluateOptions options = command.score.resolve();
  if (command.test.empty() && !command.score.items.empty()) {
    throw UsageError("evaluate: --items measures folding beside the scores on a test file; give --test FILE too");
  }
  Progress progress(command.quiet);
  const Model model = load_model(command.model);
  const std::optional<ItemGroups> groups = command.score.read_groups(model.item_ids, progress);
  if (groups) options.groups = &*groups;
  const std::unique_ptr<Backend> backend = open_backend(command.device, command.threads, progress);
  const UploadedModel uploaded(*backend, model);

  nlohmann::ordered_json scores;
  std::string tables;
  if (!command.test.empty()) {
    const MappedRatings test =
        load_mapped("test", command.test, model.user_ids, model.item_ids, command.input, progress);
    const Evaluation evaluation = evaluate(*backend, uploaded.tables(), test.ratings.view(), model.seen,
                                           is_explicit(model) && test.report.has_ratings, options);
    scores = evaluation.to_json();
    tables = score_table(evaluation) + advice(evaluation, model.kind);
  }
  if (!command.candidates.empty()) {
    const Evaluation evaluation = evaluate_candidates(*backend, uploaded.tables(), model, command.candidates, options);
    if (command.test.empty()) {
      scores = evaluation.to_json();
    } else {
      scores["candidates"] = evaluation.to_json();
      tables += "\namong candidates\n";
    }
    tables += score_table(evaluation) + advice(evaluation, model.kind);
  }
  fmt::print("{}", command.json ? json_page(scores) + "\n" : tables);
  return 0;
}

}  // namespace

RunCommand add_evaluate(CLI::App& root) {
  CLI::App* app = root.add_subcommand("evaluate", "score a model on a test file, beside the popularity baseline");
  app->footer(
      "Rating error, and full ranking over all items with each user's training items masked.\n\n"
      "Examples:\n"
      "  unfold evaluate model --test test.csv --at 5,10,20 --json\n"
      "  unfold evaluate model --test test.csv --items items.tsv --group-column genre");
  auto command = std::make_shared<EvaluateCommand>();
  OptionSet options(*app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->test, "test", "a file of ratings", Saved::kYes, "FILE");
  options.add(command->candidates, "candidates",
              "rank each test item among its own negatives: lines of (user,item), then items, separated by tabs",
              Saved::kYes, "FILE");
  command->score.add(options);
  options.add(command->device, "device", "auto, cpu, cuda or cuda:N");
  options.add(command->threads, "threads", "CPU threads; 0: all that the process may use");
  command->input.add_reading(options);
  options.add(command->quiet, "quiet", "no notices on stderr; warnings and errors remain");
  options.add(command->json, "json", "print the scores as one JSON object");
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
