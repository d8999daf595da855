// unfold completion SHELL
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& root) {
  return root.get_subcommands([](const CLI::App*) { return true; });
}

// Long and short.
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names = option.get_lnames();
  names.insert(names.end(), option.get_snames().begin(), option.get_snames().end());
  return names;
}

// "--long" and "-s" of every option of an application.
std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : names_of(*option)) flags.push_back(flag_of(name));
  }
  return flags;
}

std::string names_of(const std::vector<const CLI::App*>& commands) {
  std::string names;
  for (const CLI::App* app : commands) names += (names.empty() ? "" : " ") + app->get_name();
  return names;
}

std::string bash_script(const CLI::App& root) {
  std::string cases;
  for (const CLI::App* app : commands_of(root)) {
    cases += fmt::format("    {}) words=\"{} --config\" ;;\n", app->get_name(), fmt::join(flags_of(*app), " "));
  }
  return fmt::format(R"(# bash completion of unfold: source this file, or put it into bash_completion's folder.
_unfold() {{
  local words="" current="${{COMP_WORDS[COMP_CWORD]}}"
  case "${{COMP_WORDS[1]}}" in
{}    *) words="{} {}" ;;
  esac
  [[ $COMP_CWORD -eq 1 ]] && words="{} {}"
  COMPREPLY=()
  if [[ $current == -* || $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}}
complete -o default -F _unfold unfold
)",
                     cases, names_of(commands_of(root)), fmt::join(flags_of(root), " "), names_of(commands_of(root)),
                     fmt::join(flags_of(root), " "));
}

// A word as the text of a zsh description: no brackets, colons or quotes.
std::string zsh_text(std::string text) {
  for (char& c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\'' || c == '"' || c == '`' || c == '$' || c == '\\') c = ' ';
  }
  return text;
}

std::string zsh_script(const CLI::App& root) {
  std::string list, cases;
  for (const CLI::App* app : commands_of(root)) {
    list += fmt::format("    '{}:{}'\n", app->get_name(), zsh_text(app->get_description()));
    cases += fmt::format("    {}) _arguments '--config[{}]:file:_files'", app->get_name(), "TOML file of options");
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : names_of(*option)) {
        const bool takes_value = option->get_type_size() != 0;
        cases += fmt::format(" \\\n      '{}[{}]{}'", flag_of(name), zsh_text(option->get_description()),
                             takes_value ? ":value:_files" : "");
      }
    }
    cases += " \\\n      '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef unfold
# zsh completion of unfold: save as _unfold in a folder of $fpath.
_unfold() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=${{words[2]}}
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
_unfold "$@"
)",
                     list, cases);
}

std::string fish_script(const CLI::App& root) {
  std::string out = "# fish completion of unfold: save as ~/.config/fish/completions/unfold.fish.\n";
  for (const CLI::App* app : commands_of(root)) {
    out += fmt::format("complete -c unfold -n __fish_use_subcommand -f -a {} -d {}\n", app->get_name(),
                       shell_quote(app->get_description()));
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : names_of(*option)) {
        out += fmt::format("complete -c unfold -n '__fish_seen_subcommand_from {}' -{} {}{} -d {}\n", app->get_name(),
                           name.size() == 1 ? "s" : "l", name, option->get_type_size() != 0 ? " -r" : "",
                           shell_quote(option->get_description()));
      }
    }
  }
  return out + "complete -c unfold -l config -r -d 'TOML file of options'\n";
}

int run(const CLI::App& root, const std::string& shell) {
  if (shell == "bash") {
    print_out("{}", bash_script(root));
  } else if (shell == "zsh") {
    print_out("{}", zsh_script(root));
  } else if (shell == "fish") {
    print_out("{}", fish_script(root));
  } else {
    throw UsageError(fmt::format("completion: \"{}\" is none of bash, zsh, fish", shell));
  }
  return 0;
}

}  // namespace

RunCommand add_completion(CLI::App& root) {
  CLI::App* app = root.add_subcommand("completion", "print a completion script for a shell");
  app->footer("Example:\n  source <(unfold completion bash)");
  auto shell = std::make_shared<std::string>();
  OptionSet(*app).add_positional(*shell, "SHELL", "bash, zsh or fish");
  return [&root, shell] { return run(root, *shell); };
}

}  // namespace unfold::cli
