// The reader of configuration files: TOML with a table a subcommand, whose keys are the subcommand's options.
#pragma once

#include <CLI/App.hpp>
#include <CLI/ConfigFwd.hpp>
#include <istream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace unfold::cli {

// Where a configuration file gives an option its value, "c.toml:3", by command and name.
using ConfigOrigins = std::map<std::pair<std::string, std::string>, std::string>;

// Takes the place of CLI11's own reader, which cuts strings at '#' and splits them at commas. What is not TOML
// (toml.hpp), a table or key that no subcommand has, an option of another model family, and a value that its option
// does not take, is a CLI::ConfigError with file and line.
class ConfigFile : public CLI::Config {
 public:
  // `root` outlives the reader; `model` is the family of `unfold train`.
  ConfigFile(CLI::App& root, std::string model) : root_(&root), model_(std::move(model)) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  // The message of a command, with file and line before it where it is about an option ("--epochs 0: ...") whose value
  // is the file's.
  std::string with_origin(const std::string& command, const std::string& message) const;
  // Unused: OptionSet::to_toml writes a subcommand's resolved configuration.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  CLI::App* root_;
  std::string model_;
  mutable ConfigOrigins origins_;  // of the file that was read; the interface's from_config is const
};

}  // namespace unfold::cli
