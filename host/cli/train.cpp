// unfold train DATA --out MODEL
#include "unfold/train.hpp"

#include <fmt/format.h>

#include <memory>

#include "host/cli/chosen_model.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/train_run.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct TrainCommand {
  TrainCommand(CLI::App& app, const ChosenModel& chosen) : options(app) {
    request.family = make_family(chosen.name);
    request.validation = request.family->default_validation();
  }
  OptionSet options;
  std::string model = family_names().front();
  TrainRequest request;
  std::string out;
};

void bind_data(TrainCommand& command) {
  OptionSet& options = command.options;
  TrainRequest& request = command.request;
  options.begin_group(group_title(OptionGroup::kData));
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
  request.score.add(options);
  request.input.add_reading(options);
  request.input.add_keeping(options);
  request.input.add_cache(options);
  options.add(request.input.no_cache, "no-cache", "import into a temporary folder and keep nothing", Saved::kNo);
}

// Those of the family stand on the page only where one is named: without, the page lists the families.
void bind_family(TrainCommand& command, bool is_named) {
  OptionSet& options = command.options;
  options.begin_group(group_title(OptionGroup::kModel));
  options.add(command.model, "model", "model family; unfold train --model NAME --help prints its options", Saved::kYes,
              "NAME", {.words = family_names()});
  command.model = command.request.family->name();
  for (const Option& option : command.request.family->options()) {
    const bool is_shown = is_named || option.group == OptionGroup::kRun;
    options.begin_group(is_shown ? group_title(option.group) : kHiddenGroup);
    options.add(option);
  }
}

void bind_run(TrainCommand& command) {
  OptionSet& options = command.options;
  TrainRequest& request = command.request;
  options.begin_group(group_title(OptionGroup::kRun));
  options.add(request.log_json, "log-json", "write a JSON object a line for each epoch, and one with the test scores",
              Saved::kNo, "FILE");
  options.add(
      request.overwrite, "overwrite",
      "replace MODEL where it exists, once the new model is finished, and the files of --log-json and --rejected",
      Saved::kNo);
  options.add(request.quiet, "quiet", "no progress and no notices on stderr; warnings and errors remain", Saved::kNo);
  options.add(request.json, "json", "print the test scores as one JSON object instead of a table", Saved::kNo);
}

int run(TrainCommand& command) {
  TrainRequest& request = command.request;
  if (command.model != request.family->name()) {
    throw UsageError(
        fmt::format("--model {}: name it once, on the command line or in the table [train]", command.model));
  }
  if (request.split.empty()) request.split = request.test.empty() ? "random:0.1" : "none";
  // A folder's name may end in a slash; names beside it are made from the bare one.
  while (command.out.size() > 1 && command.out.back() == '/') command.out.pop_back();
  request.out = command.out;
  return TrainRun(request, command.options.to_toml()).run();
}

// The end of the page: the families, where none is named.
std::string footer(const ChosenModel& chosen) {
  std::string text;
  if (!chosen.is_named) {
    text = fmt::format("Models, each with options of its own; the defaults above are those of {}:\n", chosen.name);
    for (const auto& family : model_families()) text += fmt::format("\t{}\t{}\n", family->name(), family->help());
    text += "\n";
  }
  const std::string model = chosen.is_named ? " --model " + chosen.name : "";
  return text + fmt::format(
                    "Examples:\n"
                    "  unfold train ratings.csv{0} --out model\n"
                    "  unfold train ratings.csv{0} --out model --validation random:0.1 --patience 3\n"
                    "  unfold train ratings.csv --out again --config model/config.toml",
                    model);
}

}  // namespace

RunCommand add_train(CLI::App& root, const ChosenModel& chosen) {
  std::string help = "train a model, evaluate it on the test part, write it";
  if (chosen.is_named) help += fmt::format("\n\nModel {}: {}.", chosen.name, make_family(chosen.name)->help());
  CLI::App& app = add_command(root, "train", help, footer(chosen));
  auto command = std::make_shared<TrainCommand>(app, chosen);
  bind_data(*command);
  bind_family(*command, chosen.is_named);
  bind_run(*command);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
