#include <fmt/format.h>

#include <algorithm>

#include "host/cli/completion.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/text.hpp"

namespace unfold::cli {
namespace {

std::string names_of(const std::vector<CompletedCommand>& commands) {
  std::string names;
  for (const CompletedCommand& command : commands) names += (names.empty() ? "" : " ") + command.name;
  return names;
}

// The case of $model in which a shell runs what `text` says of each variant; the first is that of any other model.
std::string by_model(const CompletedCommand& command, std::string (*text)(const CompletedVariant&)) {
  std::string cases;
  for (std::size_t n = command.variants.size(); n-- > 0;) {
    const CompletedVariant& variant = command.variants[n];
    cases += fmt::format("\n      {}) {} ;;", n == 0 ? "*" : variant.model, text(variant));
  }
  return fmt::format("case $model in{}\n    esac", cases);
}

// What bash offers of a command: its flags, and behind one of them the words that it takes.
std::string bash_words(const CompletedVariant& variant) {
  std::string flags, values;
  for (const CompletedOption& option : variant.options) {
    flags += (flags.empty() ? "" : " ") + flag_of(option.name);
    if (option.words.empty()) continue;
    values += fmt::format(" {}) values=\"{}\" ;;", flag_of(option.name), fmt::join(option.words, " "));
  }
  return fmt::format("flags=\"{}\"; case $previous in{} esac", flags, values.empty() ? " *) ;;" : values);
}

std::string bash_case(const CompletedCommand& command) {
  return command.variants.size() == 1 ? bash_words(command.variants[0]) : by_model(command, bash_words);
}

// A word as the text of a zsh description: no brackets, colons or quotes.
std::string zsh_text(std::string text) {
  for (char& c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\'' || c == '"' || c == '`' || c == '$' || c == '\\') c = ' ';
  }
  return text;
}

std::string zsh_arguments(const CompletedVariant& variant) {
  std::string out = "_arguments";
  for (const CompletedOption& option : variant.options) {
    std::string value;
    if (option.takes_value) value = ":value:_files";
    if (!option.words.empty()) value = fmt::format(":value:({})", fmt::join(option.words, " "));
    const bool takes_equals = option.takes_value && option.name.size() > 1;
    out += fmt::format(" \\\n      '{}{}[{}]{}'", flag_of(option.name), takes_equals ? "=" : "", zsh_text(option.help),
                       value);
  }
  return out + " \\\n      '*:file:_files'";
}

std::string zsh_case(const CompletedCommand& command) {
  return command.variants.size() == 1 ? zsh_arguments(command.variants[0]) : by_model(command, zsh_arguments);
}

// The models with this very option, or none where all have it.
std::string fish_models(const CompletedCommand& command, const CompletedOption& option) {
  std::string models;
  std::size_t n = 0;
  for (const CompletedVariant& variant : command.variants) {
    if (std::ranges::none_of(variant.options,
                             [&](const auto& o) { return o.name == option.name && o.help == option.help; })) {
      continue;
    }
    models += " " + variant.model;
    ++n;
  }
  return n == command.variants.size() ? "" : models;
}

std::string fish_option(const CompletedCommand& command, const CompletedOption& option) {
  const std::string models = fish_models(command, option);
  std::string values = option.takes_value ? " -r" : "";
  if (!option.words.empty()) values += fmt::format(" -f -a '{}'", fmt::join(option.words, " "));
  return fmt::format("complete -c unfold -n '__fish_seen_subcommand_from {}{}' -{} {}{} -d {}\n", command.name,
                     models.empty() ? "" : "; and __unfold_model" + models, option.name.size() == 1 ? "s" : "l",
                     option.name, values, shell_quote(option.help));
}

}  // namespace

std::string bash_completion(const std::vector<CompletedCommand>& commands) {
  std::string cases;
  for (const CompletedCommand& command : commands) {
    cases += fmt::format("    {}) {} ;;\n", command.name, bash_case(command));
  }
  return fmt::format(R"(# bash completion of unfold: source this file, or put it into bash_completion's folder.
_unfold() {{
  local flags="" values="" model="" current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" n
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous="${{COMP_WORDS[COMP_CWORD-2]}}"
  fi
  for ((n = 2; n + 1 < COMP_CWORD; ++n)); do
    [[ ${{COMP_WORDS[n]}} == --model ]] || continue
    model="${{COMP_WORDS[n+1]}}"
    [[ $model == "=" ]] && model="${{COMP_WORDS[n+2]}}"
    done
  case "${{COMP_WORDS[1]}}" in
{}  esac
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "{} --help --version --config" -- "$current")
  elif [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
  fi
}}
complete -o default -F _unfold unfold
)",
                     cases, names_of(commands));
}

std::string zsh_completion(const std::vector<CompletedCommand>& commands) {
  std::string list, cases;
  for (const CompletedCommand& command : commands) {
    list += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.help));
    cases += fmt::format("    {}) {} ;;\n", command.name, zsh_case(command));
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
  local command=${{words[2]}} model="" n
  for (( n = 3; n < CURRENT; ++n )); do
    [[ ${{words[n]}} == --model && n+1 -lt CURRENT ]] && model=${{words[n+1]}}
    [[ ${{words[n]}} == --model=* ]] && model=${{words[n]#--model=}}
  done
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
_unfold "$@"
)",
                     list, cases);
}

std::string fish_completion(const std::vector<CompletedCommand>& commands) {
  std::string out = R"(# fish completion of unfold: save as ~/.config/fish/completions/unfold.fish.
# Whether the command line's --model, or the default, is one of these.
function __unfold_model
  set -l words (commandline -opc)
  set -l model
  for n in (seq (count $words))
    switch $words[$n]
      case --model
        set model $words[(math $n + 1)]
      case '--model=*'
        set model (string replace -- --model= '' $words[$n])
    end
  end
  test -z "$model"; and set model )";
  for (const CompletedCommand& command : commands) {
    if (command.variants.size() > 1) out += command.variants.front().model;
  }
  out += "\n  contains -- $model $argv\nend\n";
  for (const CompletedCommand& command : commands) {
    out += fmt::format("complete -c unfold -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                       shell_quote(command.help));
    std::vector<std::string> lines;
    for (const CompletedVariant& variant : command.variants) {
      for (const CompletedOption& option : variant.options) {
        std::string line = fish_option(command, option);
        if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
      }
    }
    for (const std::string& line : lines) out += line;
  }
  return out;
}

}  // namespace unfold::cli
