#include "host/cli/option_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "host/cli/commands.hpp"
#include "host/cli/text.hpp"

namespace unfold::cli {
namespace {

// A value as a message shows it.
std::string shown(const std::string& text) { return terminal_text(shell_quote(text)); }

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && rest == text.data() + text.size();
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// These functions say what is wrong with a value; nothing: an empty string.

template <typename T>
std::string check_whole_number(const std::string& text, WholeNumbers allowed) {
  T value{};
  if (parse(text, value) && allowed.hold(value)) return {};
  const bool is_large = is_whole(text) && !text.starts_with('-') && !parse(text, value);
  if (is_large) allowed.most = std::min<std::uint64_t>(allowed.most, std::numeric_limits<T>::max());
  return fmt::format("{}: use {}{}", shown(text), is_whole(text) ? "" : "a whole number, ", allowed.to_string());
}

std::string check_number(const std::string& text) {
  double value = 0;
  if (parse(text, value) && std::isfinite(value)) return {};
  return fmt::format("{}: use a number", shown(text));
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

std::string check_list(const std::string& text, const WholeNumbers& allowed) {
  for (const std::string& part : split_at_commas(text)) {
    if (check_whole_number<std::uint32_t>(part, allowed).empty()) continue;
    return fmt::format("{}: use whole numbers of {}, with a comma between two", shown(text), allowed.to_string());
  }
  return {};
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

std::string flag_of(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

template <typename T>
CLI::Option* OptionSet::add_value(T& field, const std::string& name, const std::string& help, const std::string& value,
                                  const std::string& default_text) {
  CLI::Option* option = app_->add_option(flag_of(name), field, help);
  option->type_name(value)->default_str(default_text);
  return option;
}

void OptionSet::save(Saved saved, const std::string& name, std::function<std::string()> value) {
  if (saved == Saved::kYes) saved_.push_back({name, std::move(value)});
}

void OptionSet::add(std::string& field, const std::string& name, const std::string& help, Saved saved,
                    const std::string& value) {
  add_value(field, name, help, value, field);
  save(saved, name, [&field] { return toml_string(field); });
}

void OptionSet::add(bool& field, const std::string& name, const std::string& help, Saved saved) {
  app_->add_flag(flag_of(name), field, help)->check(CLI::Validator(check_flag, ""));
  save(saved, name, [&field] { return std::string(field ? "true" : "false"); });
}

template <typename T>
void OptionSet::add_whole_number(T& field, const std::string& name, const std::string& help, Saved saved,
                                 const WholeNumbers& allowed) {
  const auto check = [allowed](const std::string& text) { return check_whole_number<T>(text, allowed); };
  add_value(field, name, help, "N", std::to_string(field))->check(CLI::Validator(check, ""));
  save(saved, name, [&field] { return std::to_string(field); });
}

void OptionSet::add(std::uint32_t& field, const std::string& name, const std::string& help, Saved saved,
                    const WholeNumbers& allowed) {
  add_whole_number(field, name, help, saved, allowed);
}

void OptionSet::add(std::uint64_t& field, const std::string& name, const std::string& help, Saved saved,
                    const WholeNumbers& allowed) {
  add_whole_number(field, name, help, saved, allowed);
}

void OptionSet::add(double& field, const std::string& name, const std::string& help, Saved saved) {
  add_value(field, name, help, "X", fmt::format("{}", field))->check(CLI::Validator(check_number, ""));
  save(saved, name, [&field] { return fmt::format("{}", field); });
}

void OptionSet::add(std::optional<double>& field, const std::string& name, const std::string& help, Saved saved) {
  app_->add_option_function<double>(
          flag_of(name), [&field](const double& value) { field = value; }, help)
      ->type_name("X")
      ->check(CLI::Validator(check_number, ""));
  save(saved, name, [&field] { return field ? fmt::format("{}", *field) : std::string(); });
}

void OptionSet::add(std::vector<std::uint32_t>& field, const std::string& name, const std::string& help, Saved saved,
                    const WholeNumbers& allowed) {
  // Parted here: the parser would pass over what is empty between two commas.
  const auto take = [&field](const std::vector<std::string>& texts) {
    field.clear();
    for (const std::string& text : texts) {
      for (const std::string& part : split_at_commas(text)) parse(part, field.emplace_back());
    }
  };
  app_->add_option_function<std::vector<std::string>>(flag_of(name), take, help)
      ->type_name("N,N")
      ->default_str(fmt::format("{}", fmt::join(field, ",")))
      ->check(CLI::Validator([allowed](const std::string& text) { return check_list(text, allowed); }, ""))
      ->allow_extra_args(false);
  save(saved, name, [&field] { return to_toml_array(field); });
}

void OptionSet::add_positional(std::string& field, const std::string& name, const std::string& help) {
  app_->add_option(name, field, help)->required()->type_name("");
}

void OptionSet::add_positional(std::vector<std::string>& field, const std::string& name, const std::string& help) {
  app_->add_option(name, field, help)->required()->type_name("");
}

void OptionSet::add_required(std::string& field, const std::string& name, const std::string& value,
                             const std::string& help) {
  app_->add_option(flag_of(name), field, help)->required()->type_name(value);
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
