// unfold completion SHELL
#include "host/cli/completion.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "host/cli/chosen_model.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/streams.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"

namespace unfold::cli {
namespace {

std::vector<CompletedOption> options_of(const CLI::App& app) {
  std::vector<CompletedOption> options;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& names : {option->get_lnames(), option->get_snames()}) {
      for (const std::string& name : names) {
        options.push_back({name, option->get_description(), option->get_items_expected_min() > 0, words_of(*option)});
      }
    }
  }
  return options;
}

std::vector<CompletedCommand> commands_of(const CLI::App& root) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    CompletedCommand command{app->get_name(), app->get_description(), {}};
    if (command.name == "train") {
      for (const char* const family : family_names()) {
        CLI::App other;
        const RunCommand owner = add_train(other, {family, true});  // of the fields that options are bound to
        command.variants.push_back({family, options_of(*other.get_subcommand("train"))});
      }
    } else {
      command.variants.push_back({"", options_of(*app)});
    }
    for (CompletedVariant& variant : command.variants) {
      variant.options.push_back({"config", "TOML file of options", true, {}});
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

int print_script(const CLI::App& root, const std::string& shell) {
  const std::vector<CompletedCommand> commands = commands_of(root);
  if (shell == "bash") {
    print_out("{}", bash_completion(commands));
  } else if (shell == "zsh") {
    print_out("{}", zsh_completion(commands));
  } else {
    print_out("{}", fish_completion(commands));
  }
  return 0;
}

}  // namespace

RunCommand add_completion(CLI::App& root) {
  CLI::App* app = root.add_subcommand("completion", "print a completion script for a shell");
  app->footer("Example:\n  source <(unfold completion bash)");
  auto shell = std::make_shared<std::string>();
  OptionSet(*app).add_positional(*shell, "SHELL", "the shell", {.words = {"bash", "zsh", "fish"}});
  return [&root, shell] { return print_script(root, *shell); };
}

}  // namespace unfold::cli
