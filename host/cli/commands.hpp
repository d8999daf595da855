// The subcommands. Each adds itself with its options to the root and returns what runs it after the parse; the
// result is the exit code. Results go to stdout, everything else to stderr.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

namespace unfold::cli {

using RunCommand = std::function<int()>;

RunCommand add_train(CLI::App& root);
RunCommand add_import(CLI::App& root);
RunCommand add_evaluate(CLI::App& root);
RunCommand add_recommend(CLI::App& root);
RunCommand add_neighbors(CLI::App& root);
RunCommand add_export(CLI::App& root);
RunCommand add_map(CLI::App& root);
RunCommand add_synth(CLI::App& root);
RunCommand add_verify(CLI::App& root);
RunCommand add_selfcheck(CLI::App& root);
RunCommand add_info(CLI::App& root);
// Reads the other commands and their options off the root, so it is added last.
RunCommand add_completion(CLI::App& root);
// Reads the commands' pages off the root.
RunCommand add_help(CLI::App& root);

// Throws UsageError for a word that is no command, naming the nearest.
[[noreturn]] void fail_unknown_command(const CLI::App& root, const std::string& word);

}  // namespace unfold::cli
