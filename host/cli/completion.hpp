// Completion scripts of shells, from the commands and their options.
#pragma once

#include <string>
#include <vector>

namespace unfold::cli {

struct CompletedOption {
  std::string name;  // without dashes
  std::string help;
  bool takes_value;
  std::vector<std::string> words;  // the values, where they are some words
};

// A command has other options for each model family.
struct CompletedVariant {
  std::string model;  // empty: the same for all
  std::vector<CompletedOption> options;
};

struct CompletedCommand {
  std::string name;
  std::string help;
  std::vector<CompletedVariant> variants;  // the first is that of a command line without --model
};

std::string bash_completion(const std::vector<CompletedCommand>& commands);
std::string zsh_completion(const std::vector<CompletedCommand>& commands);
std::string fish_completion(const std::vector<CompletedCommand>& commands);

}  // namespace unfold::cli
