// The model family of `unfold train`, known before the command line is parsed: it decides which options there are.
#pragma once

#include <string>

namespace unfold::cli {

struct ChosenModel {
  std::string name;       // a family's
  bool is_named = false;  // by --model, or by a configuration file
};

// What the command line says, else the file of --config, else the default. Throws UsageError for a family that does not
// exist. Faults that the parser will find are left to it.
ChosenModel chosen_model(int argc, const char* const* argv);

// The option of other families whose name is nearest to a mistyped one, or "" where none is near.
std::string nearest_foreign_option(const std::string& option, const std::string& family);

}  // namespace unfold::cli
