// unfold train DATA --out MODEL
#include "unfold/train.hpp"

#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/train_run.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct TrainCommand {
  explicit TrainCommand(CLI::App& app) : options(app) {}
  OptionSet options;
  TrainRequest request;
  std::string out;
};

void bind(TrainCommand& command) {
  OptionSet& options = command.options;
  TrainRequest& request = command.request;
  options.add_positional(request.data, "DATA",
                         "a file of ratings (plain, .gz or .zst), or a folder that unfold import wrote");
  options.add_required(command.out, "out", "MODEL", "folder to write the model to");
  options.add(
      request.split, "split",
      "the test part: random:F (a share), leave-last:N (of each user, by time), time:F (the latest share), none; "
      "absent: random:0.1, or none with --test",
      Saved::kYes, "SPEC");
  options.add(request.test, "test", "a file that is the test part, instead of --split", Saved::kYes, "FILE");
  options.add(
      request.validation, "validation",
      "the validation part, which chooses the epoch to keep and stops early: a SPEC as of --split, taken out of "
      "what is left for training, or a file",
      Saved::kYes, "SPEC|FILE");
  visit_train_options(request.options, [&options](auto& field, const char* name, const char* help) {
    if constexpr (requires { options.add(field, name, help, Saved::kYes, WholeNumbers{}); }) {
      options.add(field, name, help, Saved::kYes, bounds_of(name));
    } else {
      options.add(field, name, help);
    }
  });
  request.score.add(options);
  request.input.add_reading(options);
  request.input.add_keeping(options);
  request.input.add_cache(options);
  options.add(request.input.no_cache, "no-cache", "import into a temporary folder and keep nothing", Saved::kNo);
  options.add(request.log_json, "log-json", "write a JSON object a line for each epoch, and one with the test scores",
              Saved::kNo, "FILE");
  options.add(
      request.overwrite, "overwrite",
      "replace MODEL where it exists, once the new model is finished, and the files of --log-json and --rejected",
      Saved::kNo);
  options.add(request.quiet, "quiet", "no progress and no notices on stderr; warnings and errors remain", Saved::kNo);
  options.add(request.json, "json", "print the test scores as one JSON object instead of a table", Saved::kNo);
}

// Options that were not given take the defaults of the model, where those are not mf's.
void apply_model_defaults(TrainCommand& command) {
  TrainOptions& chosen = command.request.options;
  if (chosen.model == "mf") return;
  const nlohmann::ordered_json defaults = to_json(TrainOptions::defaults(chosen.model));
  visit_train_options(chosen, [&](auto& field, const char* name, const char*) {
    if (!command.options.was_given(name)) defaults.at(name).get_to(field);
  });
  if (!command.options.was_given("validation")) command.request.validation = "random:0.1";
}

int run(TrainCommand& command) {
  TrainRequest& request = command.request;
  apply_model_defaults(command);
  if (request.split.empty()) request.split = request.test.empty() ? "random:0.1" : "none";
  // A folder's name may end in a slash; names beside it are made from the bare one.
  while (command.out.size() > 1 && command.out.back() == '/') command.out.pop_back();
  request.out = command.out;
  return TrainRun(request, command.options.to_toml()).run();
}

}  // namespace

RunCommand add_train(CLI::App& root) {
  CLI::App& app = add_command(root, "train", "train a model, evaluate it on the test part, write it",
                              "Examples:\n"
                              "  unfold train ratings.csv --out model\n"
                              "  unfold train ratings.csv --out model --validation random:0.1 --patience 3\n"
                              "  unfold train ratings.csv --out again --config model/config.toml");
  auto command = std::make_shared<TrainCommand>(app);
  bind(*command);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
