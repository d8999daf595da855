// The reader of configuration files: TOML with a table a subcommand, whose keys are the subcommand's options.
#pragma once

#include <CLI/App.hpp>
#include <CLI/ConfigFwd.hpp>
#include <istream>
#include <string>
#include <vector>

namespace unfold::cli {

// Takes the place of CLI11's own reader, which cuts strings at '#' and splits them at commas. Reads tables, keys
// (bare, quoted, dotted), strings on one line (basic and literal), numbers, booleans and arrays of these. Anything
// else, and a table or key that no subcommand has, is a CLI::ConfigError with file and line.
class ConfigFile : public CLI::Config {
 public:
  // `root` outlives the reader.
  explicit ConfigFile(const CLI::App& root) : root_(&root) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  // Unused: OptionSet::to_toml writes a subcommand's resolved configuration.
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

 private:
  const CLI::App* root_;
};

}  // namespace unfold::cli
