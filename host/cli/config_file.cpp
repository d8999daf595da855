#include "host/cli/config_file.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "host/cli/chosen_model.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/suggest.hpp"
#include "host/cli/toml.hpp"
#include "unfold/model_family.hpp"

namespace unfold::cli {
namespace {

// Files that name all of these were written when a model's configuration held the options of every family, of which it
// used its own.
constexpr std::string_view kOfEveryFamily[] = {"rating-range", "deterministic", "temperature", "n-negatives"};

bool holds_every_family(const TomlTable& table) {
  return std::ranges::all_of(kOfEveryFamily, [&](std::string_view name) {
    return std::ranges::any_of(table.pairs, [&](const TomlPair& pair) { return pair.key.back() == name; });
  });
}

// Holds the file's tables and keys to commands and their options.
class Checker {
 public:
  Checker(std::string file, CLI::App& root, const std::string& model, ConfigOrigins& origins)
      : file_(std::move(file)), root_(root), model_(model), origins_(origins) {}

  std::vector<CLI::ConfigItem> check(const std::vector<TomlTable>& tables) {
    for (const TomlTable& table : tables) check(table);
    return std::move(items_);
  }

 private:
  [[noreturn]] void fail(std::uint64_t line, const std::string& what) const {
    throw CLI::ConfigError(fmt::format("{}:{}: {}", file_, line, what), CLI::ExitCodes::ConfigError);
  }

  void check(const TomlTable& table) {
    if (!table.name.empty()) {
      const std::string name = fmt::format("{}", fmt::join(table.name, "."));
      if (table.name.size() != 1 || command(name) == nullptr) fail_unknown_table(table.line, name);
      if (!tables_.insert(name).second) fail(table.line, fmt::format("table [{}] appears twice", name));
    }
    for (const TomlPair& pair : table.pairs) check(table, pair);
  }

  void check(const TomlTable& table, const TomlPair& pair) {
    CLI::ConfigItem item;
    item.parents = table.name;
    item.parents.insert(item.parents.end(), pair.key.begin(), pair.key.end() - 1);
    item.name = pair.key.back();
    for (const TomlValue& value : pair.values) item.inputs.push_back(value.text);
    CLI::Option* const option = find_option(item, table, pair.line);
    if (option == nullptr) return;
    // An option without a value would count as not given.
    if (item.inputs.empty()) {
      fail(pair.line, fmt::format("{} is an empty array; leave the key out to have the default", item.name));
    }
    if (pair.values.size() > 1 && option->get_items_expected_max() <= 1) {
      fail(pair.line, fmt::format("{} takes one value, and here are {}", item.name, pair.values.size()));
    }
    // What the command line gave comes first.
    if (option->empty()) check_values(*option, item.name, pair.values);
    if (option->empty()) origins_[{item.parents[0], item.name}] = fmt::format("{}:{}", file_, pair.line);
    items_.push_back(std::move(item));
  }

  CLI::App* command(const std::string& name) const {
    for (CLI::App* app : root_.get_subcommands([](CLI::App*) { return true; })) {
      if (app->get_name() == name) return app;
    }
    return nullptr;
  }

  [[noreturn]] void fail_unknown_table(std::uint64_t line, const std::string& name) const {
    std::vector<std::string> names;
    for (const CLI::App* app : root_.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(app->get_name());
    }
    fail(line, fmt::format("unknown table [{}]{}; tables are named after the commands: {}", name,
                           did_you_mean(name, names), fmt::join(names, ", ")));
  }

  // Null for a key to pass over.
  CLI::Option* find_option(const CLI::ConfigItem& item, const TomlTable& table, std::uint64_t line) {
    if (item.parents.empty()) {
      fail(line, fmt::format("key \"{}\" stands before the first table, such as [train]", item.name));
    }
    CLI::App* app = item.parents.size() == 1 ? command(item.parents[0]) : nullptr;
    if (app == nullptr) fail_unknown_table(line, fmt::format("{}", fmt::join(item.parents, ".")));
    if (!keys_.insert(item.parents[0] + "." + item.name).second) {
      fail(line, fmt::format("key \"{}\" appears twice", item.name));
    }
    std::vector<std::string> names;
    for (CLI::Option* option : app->get_options()) {
      if (!option->get_configurable()) continue;
      names.push_back(option->get_single_name());
      if (names.back() == item.name) return option;
    }
    if (app->get_name() == "train") {
      const std::string foreign = foreign_option(item.name, model_);
      const bool trains = root_.got_subcommand("train");
      if (!foreign.empty() && (!trains || holds_every_family(table))) return nullptr;
      if (!foreign.empty()) fail(line, foreign + "; take the line out");
    }
    fail(line, fmt::format("unknown key \"{}\" in [{}]{}", item.name, item.parents[0], did_you_mean(item.name, names)));
  }

  void check_values(const CLI::Option& option, const std::string& name, const std::vector<TomlValue>& values) const {
    const CLI::Validator* const check = check_of(option);
    if (check == nullptr) return;
    for (const TomlValue& value : values) {
      std::string text = value.text;
      if (const std::string wrong = (*check)(text); !wrong.empty()) fail(value.line, flag_of(name) + ' ' + wrong);
    }
  }

  std::string file_;
  CLI::App& root_;
  const std::string& model_;
  ConfigOrigins& origins_;
  std::set<std::string> tables_, keys_;
  std::vector<CLI::ConfigItem> items_;
};

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  const CLI::Option* option = root_->get_config_ptr();
  const std::string file = option->results().empty() ? "configuration" : option->results().back();
  try {
    return Checker(file, *root_, model_, origins_).check(read_toml({std::istreambuf_iterator<char>(input), {}}, file));
  } catch (const TomlError& error) {
    throw CLI::ConfigError(error.what(), CLI::ExitCodes::ConfigError);
  }
}

std::string ConfigFile::with_origin(const std::string& command, const std::string& message) const {
  const std::size_t dashes = message.find_first_not_of('-');
  if (dashes == 0 || dashes == std::string::npos) return message;
  const std::size_t end = message.find_first_of(" :;,", dashes);
  const auto origin = origins_.find({command, message.substr(dashes, end - dashes)});
  return origin == origins_.end() ? message : origin->second + ": " + message;
}

}  // namespace unfold::cli
