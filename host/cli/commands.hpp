// The subcommands. Each adds itself with its options to the root and returns what runs it after the parse; the
// result is the exit code. Results go to stdout, everything else to stderr.
#pragma once

#include <functional>
#include <string>

// Few sources read CLI11's headers, which take long to compile.
namespace CLI {
class App;
}

namespace unfold::cli {

struct ChosenModel;

using RunCommand = std::function<int()>;

// The subcommand `name`, with a line of help and what its page ends with.
CLI::App& add_command(CLI::App& root, const std::string& name, const std::string& help, const std::string& footer);

// With the options of this model family, which the page shows where it is named.
RunCommand add_train(CLI::App& root, const ChosenModel& chosen);
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
