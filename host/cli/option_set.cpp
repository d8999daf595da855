#include "host/cli/option_set.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace unfold::cli {
namespace {

template <typename T>
std::string check_number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc() && parsed.ptr == end && (!std::is_floating_point_v<T> || std::isfinite(double(value)))) {
    return {};
  }
  if constexpr (std::is_floating_point_v<T>) {
    return fmt::format("\"{}\" is not a number", text);
  } else {
    return fmt::format("\"{}\" is not a whole number from 0 to {}", text, std::numeric_limits<T>::max());
  }
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
  app_->add_flag(flag_of(name), field, help);
  save(saved, name, [&field] { return std::string(field ? "true" : "false"); });
}

void OptionSet::add(std::uint32_t& field, const std::string& name, const std::string& help, Saved saved) {
  add_value(field, name, help, "N", std::to_string(field))->check(CLI::Validator(check_number<std::uint32_t>, ""));
  save(saved, name, [&field] { return std::to_string(field); });
}

void OptionSet::add(std::uint64_t& field, const std::string& name, const std::string& help, Saved saved) {
  add_value(field, name, help, "N", std::to_string(field))->check(CLI::Validator(check_number<std::uint64_t>, ""));
  save(saved, name, [&field] { return std::to_string(field); });
}

void OptionSet::add(double& field, const std::string& name, const std::string& help, Saved saved) {
  add_value(field, name, help, "X", fmt::format("{}", field))->check(CLI::Validator(check_number<double>, ""));
  save(saved, name, [&field] { return fmt::format("{}", field); });
}

void OptionSet::add(std::optional<double>& field, const std::string& name, const std::string& help, Saved saved) {
  app_->add_option_function<double>(
          flag_of(name), [&field](const double& value) { field = value; }, help)
      ->type_name("X")
      ->check(CLI::Validator(check_number<double>, ""));
  save(saved, name, [&field] { return field ? fmt::format("{}", *field) : std::string(); });
}

void OptionSet::add(std::vector<std::uint32_t>& field, const std::string& name, const std::string& help, Saved saved) {
  add_value(field, name, help, "N,N", fmt::format("{}", fmt::join(field, ",")))
      ->check(CLI::Validator(check_number<std::uint32_t>, ""))
      ->delimiter(',')
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
