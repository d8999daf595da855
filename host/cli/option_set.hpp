// A subcommand's options, bound to the fields that hold them. A field's value when it is bound is its default on
// the help page, and its value later is what the resolved configuration says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/train/option_bounds.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace unfold::cli {

// Whether the resolved configuration names an option. Where a run writes and how much it says are left out:
// repeating a run must not write over it.
enum class Saved { kYes, kNo };

// "text" with quotes and escapes, as TOML reads it.
std::string toml_string(const std::string& text);

// An option as it is given: "--name", "-k" where the name is one letter.
std::string flag_of(const std::string& name);

// A value that an option does not take is an error of the command line whose text begins with the value and goes on
// with what is allowed: "0: use 1 or more".
class OptionSet {
 public:
  explicit OptionSet(CLI::App& app) : app_(&app) {}

  // `name` without dashes, `value` the placeholder on the help page ("FILE").
  void add(std::string& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes,
           const std::string& value = "TEXT");
  void add(bool& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes);
  void add(std::uint32_t& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes,
           const WholeNumbers& allowed = {});
  void add(std::uint64_t& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes,
           const WholeNumbers& allowed = {});
  void add(double& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes);
  void add(std::optional<double>& field, const std::string& name, const std::string& help, Saved saved = Saved::kYes);
  // One argument with commas, or the option several times; an array in a configuration file.
  void add(std::vector<std::uint32_t>& field, const std::string& name, const std::string& help,
           Saved saved = Saved::kYes, const WholeNumbers& allowed = {});

  // The positional argument `name`, which must be given.
  void add_positional(std::string& field, const std::string& name, const std::string& help);
  // Likewise, one or more of them.
  void add_positional(std::vector<std::string>& field, const std::string& name, const std::string& help);
  // An option that must be given and is not saved.
  void add_required(std::string& field, const std::string& name, const std::string& value, const std::string& help);

  // The command line or a configuration file gave it.
  bool was_given(const std::string& name) const;

  // The section of a configuration file that gives the saved options their present values.
  std::string to_toml() const;
  CLI::App& app() const { return *app_; }

 private:
  template <typename T>
  void add_whole_number(T& field, const std::string& name, const std::string& help, Saved saved,
                        const WholeNumbers& allowed);
  template <typename T>
  CLI::Option* add_value(T& field, const std::string& name, const std::string& help, const std::string& value,
                         const std::string& default_text);
  void save(Saved saved, const std::string& name, std::function<std::string()> value);

  struct SavedOption {
    std::string name;
    std::function<std::string()> value;  // as TOML; empty: not set
  };
  CLI::App* app_;
  std::vector<SavedOption> saved_;
};

}  // namespace unfold::cli
