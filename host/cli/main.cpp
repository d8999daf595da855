// The program: parses the command line, runs one command, turns exceptions into messages and exit codes.
//   0 done   1 a bug   2 usage   3 data   4 device or memory   5 diverged   130 interrupted
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "host/cli/chosen_model.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/config_file.hpp"
#include "host/cli/help_formatter.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/suggest.hpp"
#include "host/cli/text.hpp"
#include "host/io/file.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"
#include "unfold/version.hpp"

namespace unfold::cli {
namespace {

constexpr int kUsageExitCode = 2;
constexpr int kDeviceExitCode = 4;

int report_error(const std::string& message, int exit_code) {
  print_err("unfold: error: {}\n", message);
  return exit_code;
}

// What is wrong with the name of a configuration file. A pipe or device may have no end.
std::string require_config_file(const std::string& name) {
  const std::string file = terminal_text(name);
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(name, ignored);
  if (!std::filesystem::exists(status)) return fmt::format("{}: no such file; check the path", file);
  if (!std::filesystem::is_regular_file(status)) return file + ": is not a regular file; give a file of TOML";
  return ::access(name.c_str(), R_OK) == 0 ? "" : fmt::format("{}: cannot be read: {}", file, errno_text(errno));
}

// The commands on the command line; at most one.
const CLI::App* parsed_command(const CLI::App& root) {
  const std::vector<CLI::App*> commands = root.get_subcommands();
  return commands.empty() ? nullptr : commands.front();
}

std::vector<std::string> command_names(const CLI::App& root) {
  std::vector<std::string> names;
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(app->get_name());
  }
  return names;
}

bool is_flag(const std::string& word) { return word.starts_with('-'); }

// A command that does not exist is named before its flags are looked at, --help among them: none of them can be right.
// The command is the first word that is neither an option of the program nor its value.
void check_command(const CLI::App& root, int argc, char** argv) {
  const std::vector<std::string> names = command_names(root);
  for (int n = 1; n < argc; ++n) {
    const std::string word = argv[n];
    if (word == "--config") ++n;
    if (word == "--config" || word.starts_with("--config=")) continue;
    if (word.empty() || is_flag(word)) return;
    if (std::find(names.begin(), names.end(), word) == names.end()) fail_unknown_command(root, word);
    return;
  }
}

// Of the words after an option that the program itself does not have: one that is nearly a command.
const std::string* misspelt_command(const CLI::App& root, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!is_flag(word) && !nearest_word(word, command_names(root)).empty()) return &word;
  }
  return nullptr;
}

std::string describe_extra(const std::string& command, const std::string& word) {
  std::error_code ignored;
  const bool is_more_data = command == "train" && std::filesystem::exists(word, ignored);
  return fmt::format("{}: unexpected argument \"{}\"{}", command, terminal_text(word),
                     is_more_data ? "; train reads one DATA, which unfold import makes of several files: unfold import "
                                    "FILE FILE ... --out DIR, then unfold train DIR"
                                  : "");
}

// What is wrong with the first word that nothing took; `model` is the family of train.
std::string describe_unknown(const CLI::App& root, const std::string& model, const std::vector<std::string>& words) {
  const CLI::App* command = parsed_command(root);
  if (command == nullptr) {
    const std::string* misspelt = misspelt_command(root, words);
    if (misspelt != nullptr) fail_unknown_command(root, *misspelt);
  }
  const auto flag = std::find_if(words.begin(), words.end(), is_flag);
  if (flag == words.end()) {
    if (command != nullptr) return describe_extra(command->get_name(), words.front());
    fail_unknown_command(root, words.front());
  }
  std::vector<std::string> known;
  for (const CLI::App* app : {command, &root}) {
    if (app == nullptr) continue;
    for (const CLI::Option* option : app->get_options()) {
      if (option->nonpositional()) known.push_back(flag_of(option->get_single_name()));
    }
  }
  const std::string name = flag->substr(0, flag->find('='));
  if (command != nullptr && std::find(known.begin(), known.end(), name) != known.end()) {
    return fmt::format("{0} comes after the command: unfold {1} ... {0}", name, command->get_name());
  }
  if (command != nullptr && command->get_name() == "train" && name.starts_with("--")) {
    const std::string foreign = foreign_option(name.substr(2), model);
    if (!foreign.empty()) return foreign + "; leave it out, or choose another --model";
    const std::string other = nearest_foreign_option(name.substr(2), model);
    if (!other.empty() && nearest_word(name, known).empty()) {
      return fmt::format("train: unknown option {}; did you mean --{}, of another model than {}?", name, other, model);
    }
  }
  return fmt::format("{}unknown option {}{}", command == nullptr ? "" : command->get_name() + ": ", name,
                     did_you_mean(name, known));
}

// The option of the command or the program that a parser's message begins with.
const CLI::Option* option_of(const CLI::App& root, const std::string& message) {
  for (const CLI::App* app : {parsed_command(root), &root}) {
    if (app == nullptr) continue;
    for (const CLI::Option* option : app->get_options()) {
      if (message.starts_with(option->get_name() + ":")) return option;
    }
  }
  return nullptr;
}

// An option with another number of values than it takes.
std::string describe_mismatch(const CLI::Option& option) {
  const std::string name = option.get_name();
  const std::size_t n = option.results().size();
  if (n < 2) return fmt::format("{0} needs a value: {0} {1}", name, option.get_type_name());
  return fmt::format("{} is given {}; give it once", name, n == 2 ? "twice" : fmt::format("{} times", n));
}

std::string describe_usage_error(const CLI::App& root, const std::string& model, const CLI::ParseError& error) {
  std::vector<std::string> unknown = root.remaining(true);
  std::erase_if(unknown, [](const std::string& word) { return word.empty() || word == "--"; });
  if (!unknown.empty()) return describe_unknown(root, model, unknown);
  const CLI::App* command = parsed_command(root);
  if (command == nullptr && error.get_name() == "RequiredError") {
    return fmt::format("a command is needed: {}; see unfold help", fmt::join(command_names(root), ", "));
  }
  std::string message = error.what();
  if (const CLI::Option* option = option_of(root, message)) {
    if (error.get_name() == "ArgumentMismatch") return describe_mismatch(*option);
    // OptionSet's messages begin with the value.
    if (error.get_name() == "ValidationError") return message.erase(option->get_name().size(), 1);
  }
  if (error.get_name() == "ConfigError") return message;
  return command == nullptr ? message : fmt::format("{}: {}", command->get_name(), message);
}

int run(int argc, char** argv) {
  CLI::App root("Trains large factorization models on the GPU and the CPU.", "unfold");
  root.formatter(std::make_shared<HelpFormatter>());
  const ChosenModel chosen = chosen_model(argc, argv);
  const auto config_file = std::make_shared<ConfigFile>(root, chosen.name);
  root.config_formatter(config_file);
  root.set_version_flag("--version", std::string("unfold ") + kVersion, "print the version and exit");
  root.set_help_flag("-h,--help", "print this help and exit; COMMAND --help, or help COMMAND, tells of a command");
  root.set_config("--config", "", "TOML file of options, with a table such as [train]; the command line comes first")
      ->type_name("FILE")
      ->check(CLI::Validator(require_config_file, ""));
  root.allow_config_extras(CLI::config_extras_mode::error);
  root.require_subcommand(1);
  root.footer(
      "Example:\n"
      "  unfold train ratings.csv --model softmax --out model\n"
      "  unfold recommend model --user 42 --items movies.csv");

  std::map<std::string, RunCommand> commands;
  const auto add = [&](RunCommand command) { commands[command_names(root).back()] = std::move(command); };
  add(add_train(root, chosen));
  add(add_evaluate(root));
  add(add_recommend(root));
  add(add_neighbors(root));
  add(add_export(root));
  add(add_map(root));
  add(add_import(root));
  add(add_synth(root));
  add(add_verify(root));
  add(add_selfcheck(root));
  add(add_info(root));
  add(add_completion(root));
  add(add_help(root));
  for (CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string group = app->get_options().back()->get_group();
    app->set_help_flag("-h,--help", "print this help and exit")->group(group);
    app->allow_config_extras(CLI::config_extras_mode::error);
    // A table in a configuration file gives options their values; only the command line chooses the command.
    app->configurable(false)->fallthrough();
  }

  check_command(root, argc, argv);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return root.exit(success, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return report_error(describe_usage_error(root, chosen.name, error), kUsageExitCode);
  }
  const std::vector<std::string>& configs = root.get_config_ptr()->results();
  if (!configs.empty()) set_config_input(configs.back());
  const std::string& name = parsed_command(root)->get_name();
  try {
    return commands.at(name)();
  } catch (const UsageError& error) {
    throw UsageError(config_file->with_origin(name, error.what()));
  }
}

}  // namespace

void fail_unknown_command(const CLI::App& root, const std::string& word) {
  const std::string hint = did_you_mean(word, command_names(root));
  throw UsageError(fmt::format("unknown command \"{}\"{}", terminal_text(word),
                               hint.empty() ? "; unfold help lists all of them" : hint));
}

}  // namespace unfold::cli

int main(int argc, char** argv) {
  using unfold::cli::report_error;
  unfold::cli::prepare_streams();
  try {
    const int exit_code = unfold::cli::run(argc, argv);
    std::cout.flush();
    unfold::cli::finish_stdout();
    return exit_code;
  } catch (const unfold::Error& error) {
    // A read that a signal broke off, of a pipe, is an error to the library.
    report_error(error.what(), error.exit_code());
    return unfold::cli::interrupted() ? unfold::cli::kInterruptedExitCode : error.exit_code();
  } catch (const unfold::cli::Interrupted&) {
    return unfold::cli::kInterruptedExitCode;
  } catch (const std::bad_alloc&) {
    return report_error("the host's memory does not suffice", unfold::cli::kDeviceExitCode);
  } catch (const std::exception& error) {
    return report_error(fmt::format("unexpected: {}", error.what()), 1);
  }
}
