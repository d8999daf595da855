#include "host/cli/option_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <sstream>
#include <type_traits>
#include <variant>

#include "host/cli/commands.hpp"
#include "host/cli/text.hpp"

namespace unfold::cli {
namespace {

// A value as a message shows it.
std::string shown(const std::string& text) { return terminal_text(shell_quote(text)); }

// What is wrong with a value; nothing: an empty string.
std::string check_value(const Option& option, const std::string& text) {
  const std::string wrong = option.refusal(text);
  return wrong.empty() ? "" : fmt::format("{}: {}", shown(text), wrong);
}

std::string check_number(const std::string& text) {
  double value = 0;
  return check_value({"", OptionGroup::kRun, &value, {}, ""}, text);
}

std::string check_flag(const std::string& text) {
  try {
    static_cast<void>(CLI::detail::to_flag_value(text));
    return {};
  } catch (const std::exception&) {
    return fmt::format("{}: use true or false", shown(text));
  }
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string check_list(const std::string& text, const Allowed& allowed) {
  std::uint32_t value = 0;
  const Option each{"", OptionGroup::kRun, &value, allowed, ""};
  for (const std::string& part : split_at_commas(text)) {
    if (each.refusal(part).empty()) continue;
    return fmt::format("{}: use whole numbers of {}, with a comma between two", shown(text), allowed.to_string());
  }
  return {};
}

// Its name is a list of words, if there is one, which words_of reads.
CLI::Validator validator(const Option& option) {
  CLI::Validator check([option](const std::string& text) { return check_value(option, text); }, "");
  return check.name(fmt::format("{}", fmt::join(option.allowed.words, " ")));
}

// The help with what is allowed.
std::string help_text(const std::string& help, const Allowed& allowed) {
  const std::string bounds = allowed.to_string();
  return bounds.empty() ? help : fmt::format("{} ({})", help, bounds);
}

const char* placeholder(const Option& option) {
  if (std::holds_alternative<std::string*>(option.field)) return option.allowed.words.empty() ? "TEXT" : "WORD";
  return std::holds_alternative<double*>(option.field) ? "X" : "N";
}

std::string toml_value(const Option& option) {
  return std::holds_alternative<std::string*>(option.field) ? toml_string(option.text()) : option.text();
}

std::string to_toml_array(const std::vector<std::uint32_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

CLI::App& add_command(CLI::App& root, const std::string& name, const std::string& help, const std::string& footer) {
  CLI::App* const app = root.add_subcommand(name, help);
  app->footer(footer);
  return *app;
}

bool OptionSet::was_given(const std::string& name) const { return app_->get_option("--" + name)->count() > 0; }

std::vector<std::string> words_of(const CLI::Option& option) {
  std::vector<std::string> words;
  if (const CLI::Validator* const check = check_of(option)) {
    std::istringstream names(check->get_name());
    for (std::string word; names >> word;) words.push_back(word);
  }
  return words;
}

const CLI::Validator* check_of(const CLI::Option& option) {
  try {
    return const_cast<CLI::Option&>(option).get_validator(0);  // changes nothing
  } catch (const CLI::OptionNotFound&) {
    return nullptr;
  }
}

std::string flag_of(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

void OptionSet::place(CLI::Option* option) const {
  if (group_) option->group(*group_);
}

void OptionSet::save(Saved saved, const std::string& name, std::function<std::string()> value) {
  if (saved == Saved::kYes) saved_.push_back({name, std::move(value)});
}

void OptionSet::add(const Option& option, const std::string& help, Saved saved, const std::string& value) {
  const std::string flag = flag_of(option.name), text = help_text(help, option.allowed);
  const auto bind = [&](auto* field) -> CLI::Option* {
    if constexpr (std::is_same_v<decltype(field), bool*>) {
      return app_->add_flag(flag, *field, text)->check(CLI::Validator(check_flag, ""));
    } else {
      return app_->add_option(flag, *field, text)
          ->type_name(value.empty() ? placeholder(option) : value)
          ->default_str(option.text())
          ->check(validator(option));
    }
  };
  place(std::visit(bind, option.field));
  save(saved, option.name, [option] { return toml_value(option); });
}

void OptionSet::add(std::optional<double>& field, const char* name, const std::string& help, Saved saved) {
  place(app_->add_option_function<double>(
                flag_of(name), [&field](const double& value) { field = value; }, help)
            ->type_name("X")
            ->check(CLI::Validator(check_number, "")));
  save(saved, name, [&field] { return field ? fmt::format("{}", *field) : std::string(); });
}

void OptionSet::add(std::vector<std::uint32_t>& field, const char* name, const std::string& help, Allowed allowed) {
  // Parted here: the parser would pass over what is empty between two commas.
  const auto take = [&field](const std::vector<std::string>& texts) {
    field.clear();
    for (const std::string& text : texts) {
      for (const std::string& part : split_at_commas(text)) {
        field.push_back(static_cast<std::uint32_t>(std::stoul(part)));
      }
    }
  };
  place(app_->add_option_function<std::vector<std::string>>(flag_of(name), take, help_text(help, allowed))
            ->type_name("N,N")
            ->default_str(fmt::format("{}", fmt::join(field, ",")))
            ->check(CLI::Validator([allowed](const std::string& text) { return check_list(text, allowed); }, ""))
            ->allow_extra_args(false));
  save(Saved::kYes, name, [&field] { return to_toml_array(field); });
}

void OptionSet::add_positional(std::string& field, const std::string& name, const std::string& help, Allowed allowed) {
  const std::string text = help_text(help, allowed);
  const Option option{"", OptionGroup::kRun, &field, std::move(allowed), ""};
  place(app_->add_option(name, field, text)->required()->type_name("")->check(validator(option)));
}

void OptionSet::add_positional(std::vector<std::string>& field, const std::string& name, const std::string& help) {
  place(app_->add_option(name, field, help)->required()->type_name(""));
}

void OptionSet::add_required(std::string& field, const std::string& name, const std::string& value,
                             const std::string& help) {
  place(app_->add_option(flag_of(name), field, help)->required()->type_name(value));
}

std::string OptionSet::to_toml() const {
  std::string out = fmt::format("[{}]\n", app_->get_name());
  for (const SavedOption& option : saved_) {
    const std::string value = option.value();
    if (!value.empty()) out += fmt::format("{} = {}\n", option.name, value);
  }
  return out;
}

}  // namespace unfold::cli
