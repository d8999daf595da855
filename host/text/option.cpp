#include "unfold/option.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "unfold/error.hpp"

namespace unfold {
namespace {

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && rest == text.data() + text.size();
}

bool parse(std::string_view text, bool& value) {
  value = text == "true";
  return value || text == "false";
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "a", "a or b", "a, b or c".
std::string joined(const std::vector<const char*>& words) {
  std::string out;
  for (std::size_t n = 0; n < words.size(); ++n) {
    if (n > 0) out += n + 1 == words.size() ? " or " : ", ";
    out += words[n];
  }
  return out;
}

std::string refuse(std::string_view text, const std::string*, const Allowed& allowed) {
  return allowed.holds(text) ? "" : "use " + allowed.to_string();
}

std::string refuse(std::string_view text, const bool*, const Allowed&) {
  bool value = false;
  return parse(text, value) ? "" : "use true or false";
}

std::string refuse(std::string_view text, const double*, const Allowed& allowed) {
  double value = 0;
  const bool is_number = parse(text, value) && std::isfinite(value);
  if (is_number && allowed.holds(value)) return {};
  const std::string bounds = allowed.to_string();
  if (bounds.empty()) return "use a number";
  if (is_number && !allowed.excludes_least) return "use " + bounds;
  return fmt::format("use a number{}{}", allowed.excludes_least ? " " : ", ", bounds);
}

// Whole numbers have the bounds of their type besides.
template <typename T>
std::string refuse(std::string_view text, const T*, Allowed allowed) {
  T value{};
  allowed.least = std::max(allowed.least, 0.0);
  if (parse(text, value) && allowed.holds(static_cast<double>(value))) return {};
  const bool is_too_large = is_whole(text) && !text.starts_with('-') && !parse(text, value);
  if (is_too_large && allowed.most > static_cast<double>(std::numeric_limits<T>::max())) {
    return fmt::format("use {:.0f} to {}", allowed.least, std::numeric_limits<T>::max());
  }
  return fmt::format("use {}{}", is_whole(text) ? "" : "a whole number, ", allowed.to_string());
}

}  // namespace

bool Allowed::holds(double number) const {
  if (!std::isfinite(number)) return false;
  if (also && number == *also) return true;
  if (number < least || (excludes_least && number == least)) return false;
  return number < most || (!excludes_most && number == most);
}

bool Allowed::holds(std::string_view word) const {
  return words.empty() || std::ranges::find(words, word) != words.end();
}

std::string Allowed::to_string() const {
  if (!words.empty()) return joined(words);
  const bool has_least = std::isfinite(least), has_most = std::isfinite(most);
  std::string out;
  if (has_least && has_most && !excludes_least && !excludes_most) {
    out = fmt::format("{} to {}", least, most);
  } else {
    if (has_least) out = excludes_least ? fmt::format("over {}", least) : fmt::format("{} or more", least);
    if (has_least && has_most) out += ", ";
    if (has_most) out += excludes_most ? fmt::format("below {}", most) : fmt::format("up to {}", most);
  }
  if (also) out += fmt::format(", or {}", *also);
  return out;
}

const char* group_title(OptionGroup group) {
  switch (group) {
    case OptionGroup::kData:
      return "Data and split";
    case OptionGroup::kModel:
      return "Model";
    case OptionGroup::kNegatives:
      return "Negatives";
    case OptionGroup::kOptimizer:
      return "Optimizer";
    case OptionGroup::kRun:
      return "Run";
  }
  return "";
}

std::string Option::refusal(std::string_view text) const {
  return std::visit([&](const auto* value) { return refuse(text, value, allowed); }, field);
}

std::string Option::text() const {
  return std::visit([](const auto* value) { return fmt::format("{}", *value); }, field);
}

nlohmann::ordered_json Option::json() const {
  return std::visit([](const auto* value) { return nlohmann::ordered_json(*value); }, field);
}

void Option::set(std::string_view value) const {
  if (const std::string wrong = refusal(value); !wrong.empty()) {
    throw UsageError(fmt::format("--{} {}: {}", name, value, wrong));
  }
  std::visit(
      [&](auto* target) {
        if constexpr (std::is_same_v<decltype(target), std::string*>) {
          *target = value;
        } else {
          parse(value, *target);
        }
      },
      field);
}

void Option::check() const {
  const std::string value = text();
  if (const std::string wrong = refusal(value); !wrong.empty()) {
    throw UsageError(fmt::format("--{} {}: {}", name, value, wrong));
  }
}

}  // namespace unfold
