// Options: a name, the field that holds the value, what the value may be, and what it does. The command line, the
// configuration file, help pages, completion and model.json are made from lists of these.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unfold {

// What a value may be: a number between two ends, or one of some words. Numbers are finite.
struct Allowed {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool excludes_least = false;
  bool excludes_most = false;
  std::optional<double> also = {};      // a number beyond the ends, with a meaning of its own
  std::vector<const char*> words = {};  // empty: any text

  static Allowed from(double least) { return {.least = least}; }
  static Allowed over(double least) { return {.least = least, .excludes_least = true}; }
  static Allowed between(double least, double most) { return {.least = least, .most = most}; }

  bool holds(double number) const;
  bool holds(std::string_view word) const;
  // "1 to 1024", "0 or more, below 1", "over 0", "sgd, adagrad or adam"; empty where anything goes.
  std::string to_string() const;
};

// The part of a help page that an option stands in.
enum class OptionGroup : std::uint8_t { kData, kModel, kNegatives, kOptimizer, kRun };
const char* group_title(OptionGroup group);

struct Option {
  const char* name;  // a literal, without dashes
  OptionGroup group;
  std::variant<bool*, std::uint32_t*, std::uint64_t*, double*, std::string*> field;  // outlives the option
  Allowed allowed;
  const char* help;  // a literal

  bool is_flag() const { return std::holds_alternative<bool*>(field); }
  // What is wrong with a text as its value, "use 1 to 1024"; empty: nothing.
  std::string refusal(std::string_view text) const;
  // The present value, as text and as JSON.
  std::string text() const;
  nlohmann::ordered_json json() const;
  // Throws UsageError "--name text: use ...".
  void set(std::string_view text) const;
  // The same for the present value.
  void check() const;
};

}  // namespace unfold
