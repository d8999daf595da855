// A subcommand's options, bound to the fields that hold them. A field's value when it is bound is its default on
// the help page, and its value later is what the resolved configuration says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "unfold/option.hpp"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace unfold::cli {

// What a page leaves out.
inline constexpr const char* kHiddenGroup = "hidden";

// The check of a value; null where any is taken.
const CLI::Validator* check_of(const CLI::Option& option);
// The words of which an option takes one; empty where it takes others too.
std::vector<std::string> words_of(const CLI::Option& option);

// Whether the resolved configuration names an option. Where a run writes and how much it says are left out:
// repeating a run must not write over it.
enum class Saved { kYes, kNo };

// "text" with quotes and escapes, as TOML reads it.
std::string toml_string(const std::string& text);

// An option as it is given: "--name", "-k" where the name is one letter.
std::string flag_of(const std::string& name);

// A value that an option does not take is an error of the command line whose text begins with the value and goes on
// with what is allowed: "0: use 1 or more". Help pages end the option's text with that, "(1 or more)".
class OptionSet {
 public:
  explicit OptionSet(CLI::App& app) : app_(&app) {}

  // What is added from here on stands under this title on the help page.
  void begin_group(const std::string& title) { group_ = title; }

  // `value`: the placeholder on the help page ("FILE"); empty: one by the field's type.
  void add(const Option& option, Saved saved = Saved::kYes, const std::string& value = "") {
    add(option, option.help, saved, value);
  }
  // The same for a field of the types that Option has; `name` without dashes.
  template <typename T>
  void add(T& field, const char* name, const std::string& help, Saved saved = Saved::kYes,
           const std::string& value = "", Allowed allowed = {}) {
    add(Option{name, OptionGroup::kRun, &field, std::move(allowed), ""}, help, saved, value);
  }
  template <typename T>
  void add(T& field, const char* name, const std::string& help, Allowed allowed) {
    add(field, name, help, Saved::kYes, "", std::move(allowed));
  }
  void add(std::optional<double>& field, const char* name, const std::string& help, Saved saved = Saved::kYes);
  // One argument with commas, or the option several times; an array in a configuration file. Each number is allowed.
  void add(std::vector<std::uint32_t>& field, const char* name, const std::string& help, Allowed allowed);

  // The positional argument `name`, which must be given.
  void add_positional(std::string& field, const std::string& name, const std::string& help, Allowed allowed = {});
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
  void add(const Option& option, const std::string& help, Saved saved, const std::string& value);
  void place(CLI::Option* option) const;
  void save(Saved saved, const std::string& name, std::function<std::string()> value);

  struct SavedOption {
    std::string name;
    std::function<std::string()> value;  // as TOML; empty: not set
  };
  CLI::App* app_;
  std::optional<std::string> group_;
  std::vector<SavedOption> saved_;
};

}  // namespace unfold::cli
