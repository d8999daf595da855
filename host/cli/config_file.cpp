#include "host/cli/config_file.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>
#include <string_view>

#include "host/cli/option_set.hpp"
#include "host/cli/suggest.hpp"

namespace unfold::cli {
namespace {

bool is_bare(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

// UTF-8 of a code point; false where it is none.
bool append_utf8(std::uint32_t code, std::string& out) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
  return true;
}

class Parser {
 public:
  Parser(std::string text, std::string file, CLI::App& root, ConfigOrigins& origins)
      : text_(std::move(text)), file_(std::move(file)), root_(root), origins_(origins) {}

  std::vector<CLI::ConfigItem> parse() {
    std::vector<std::string> table;
    for (skip_blank_lines(); !at_end(); skip_blank_lines()) {
      if (peek() == '[') {
        table = read_table();
      } else {
        read_pair(table);
      }
      end_line();
    }
    return std::move(items_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw CLI::ConfigError(fmt::format("{}:{}: {}", file_, line_, what), CLI::ExitCodes::ConfigError);
  }

  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  char take() {
    const char c = text_[position_++];
    if (c == '\n') ++line_;
    return c;
  }
  void expect(char c, const char* where) {
    if (peek() != c || at_end()) fail(fmt::format("expected '{}' {}", c, where));
    take();
  }

  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') take();
    if (peek() == '#') {
      while (!at_end() && peek() != '\n') take();
    }
  }
  void skip_blank_lines() {
    for (skip_spaces(); peek() == '\n'; skip_spaces()) take();
  }
  void end_line() {
    skip_spaces();
    if (!at_end() && peek() != '\n') fail(fmt::format("unexpected '{}' after the value; a line holds one key", peek()));
  }

  std::vector<std::string> read_key() {
    std::vector<std::string> parts;
    for (;;) {
      skip_spaces();
      if (peek() == '"' || peek() == '\'') {
        parts.push_back(read_string());
      } else {
        std::string part;
        while (is_bare(peek())) part += take();
        if (part.empty()) fail("expected a key such as dim = 64, or a table such as [train]");
        parts.push_back(part);
      }
      skip_spaces();
      if (peek() != '.') return parts;
      take();
    }
  }

  std::vector<std::string> read_table() {
    take();
    if (peek() == '[') fail("arrays of tables are not used here; write [train]");
    std::vector<std::string> table = read_key();
    expect(']', "at the end of the table's name");
    if (table.size() != 1 || command(table[0]) == nullptr) fail_unknown_table(fmt::format("{}", fmt::join(table, ".")));
    if (!tables_.insert(table[0]).second) fail(fmt::format("table [{}] appears twice", table[0]));
    return table;
  }

  void read_pair(const std::vector<std::string>& table) {
    CLI::ConfigItem item;
    item.parents = table;
    const std::vector<std::string> key = read_key();
    item.parents.insert(item.parents.end(), key.begin(), key.end() - 1);
    item.name = key.back();
    CLI::Option& option = find_option(item);
    const std::uint64_t line = line_;
    expect('=', "after the key");
    skip_spaces();
    if (peek() == '[') {
      read_array(item.inputs);
    } else {
      item.inputs.push_back(read_value());
    }
    // An option without a value would count as not given.
    if (item.inputs.empty())
      fail(fmt::format("{} is an empty array; leave the key out to have the default", item.name));
    check_values(option, item);
    // What the command line gave comes first.
    if (option.empty()) origins_[{item.parents[0], item.name}] = fmt::format("{}:{}", file_, line);
    items_.push_back(std::move(item));
  }

  void read_array(std::vector<std::string>& values) {
    take();
    for (skip_blank_lines(); peek() != ']'; skip_blank_lines()) {
      values.push_back(read_value());
      skip_blank_lines();
      if (peek() == ']') break;
      expect(',', "or ']' in the array");
    }
    take();
  }

  std::string read_value() {
    if (peek() == '"' || peek() == '\'') return read_string();
    std::string word;
    while (is_bare(peek()) || peek() == '.' || peek() == '+') word += take();
    if (word.empty()) fail("expected a value: \"text\", a number, true, false, or an array of these");
    if (word == "true" || word == "false") return word;
    std::string digits = word;
    std::erase(digits, '_');
    if (!digits.empty() && digits.front() == '+') digits.erase(0, 1);
    char* end = nullptr;
    std::strtod(digits.c_str(), &end);
    if (*end != '\0') fail(fmt::format("{} is neither a number nor true nor false; a string needs quotes", word));
    return digits;
  }

  std::string read_string() {
    const char quote = take();
    std::string out;
    for (;;) {
      if (at_end() || peek() == '\n') fail("a string does not end on its line");
      const char c = take();
      if (c == quote) return out;
      if (c == '\\' && quote == '"') {
        read_escape(out);
      } else {
        out += c;
      }
    }
  }

  void read_escape(std::string& out) {
    static constexpr std::string_view kNames = "btnfr\"\\";
    static constexpr std::string_view kBytes = "\b\t\n\f\r\"\\";
    const char c = at_end() ? '\0' : take();
    if (const auto found = kNames.find(c); found != std::string_view::npos) {
      out += kBytes[found];
      return;
    }
    const std::size_t n_digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const std::string digits = text_.substr(position_, n_digits);
    const bool is_hex =
        std::all_of(digits.begin(), digits.end(), [](unsigned char d) { return std::isxdigit(d) != 0; });
    if (n_digits == 0 || digits.size() < n_digits || !is_hex ||
        !append_utf8(static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16)), out)) {
      fail("unknown escape in a string; write \\\\ for a backslash, or use 'single quotes'");
    }
    position_ += n_digits;
  }

  CLI::App* command(const std::string& name) const {
    for (CLI::App* app : root_.get_subcommands([](CLI::App*) { return true; })) {
      if (app->get_name() == name) return app;
    }
    return nullptr;
  }

  [[noreturn]] void fail_unknown_table(const std::string& name) const {
    std::vector<std::string> names;
    for (const CLI::App* app : root_.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(app->get_name());
    }
    fail(fmt::format("unknown table [{}]{}; tables are named after the commands: {}", name, did_you_mean(name, names),
                     fmt::join(names, ", ")));
  }

  CLI::Option& find_option(const CLI::ConfigItem& item) {
    if (item.parents.empty()) fail(fmt::format("key \"{}\" stands before the first table, such as [train]", item.name));
    CLI::App* app = item.parents.size() == 1 ? command(item.parents[0]) : nullptr;
    if (app == nullptr) fail_unknown_table(fmt::format("{}", fmt::join(item.parents, ".")));
    CLI::Option* found = nullptr;
    std::vector<std::string> names;
    for (CLI::Option* option : app->get_options()) {
      if (!option->get_configurable()) continue;
      names.push_back(option->get_single_name());
      if (names.back() == item.name) found = option;
    }
    if (found == nullptr) {
      fail(fmt::format("unknown key \"{}\" in [{}]{}", item.name, item.parents[0], did_you_mean(item.name, names)));
    }
    if (!keys_.insert(item.parents[0] + "." + item.name).second)
      fail(fmt::format("key \"{}\" appears twice", item.name));
    return *found;
  }

  void check_values(CLI::Option& option, const CLI::ConfigItem& item) const {
    if (item.inputs.size() > 1 && option.get_items_expected_max() <= 1) {
      fail(fmt::format("{} takes one value, and here are {}", item.name, item.inputs.size()));
    }
    const CLI::Validator* check = check_of(option);
    if (check == nullptr) return;
    for (std::string input : item.inputs) {
      if (const std::string wrong = (*check)(input); !wrong.empty()) fail(flag_of(item.name) + ' ' + wrong);
    }
  }

  // OptionSet gives an option one or none.
  static const CLI::Validator* check_of(CLI::Option& option) {
    try {
      return option.get_validator(0);
    } catch (const CLI::OptionNotFound&) {
      return nullptr;
    }
  }

  std::string text_;
  std::string file_;
  CLI::App& root_;
  ConfigOrigins& origins_;
  std::size_t position_ = 0;
  std::uint64_t line_ = 1;
  std::set<std::string> tables_, keys_;
  std::vector<CLI::ConfigItem> items_;
};

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  const CLI::Option* option = root_->get_config_ptr();
  const std::string file = option->results().empty() ? "configuration" : option->results().back();
  return Parser({std::istreambuf_iterator<char>(input), {}}, file, *root_, origins_).parse();
}

std::string ConfigFile::with_origin(const std::string& command, const std::string& message) const {
  const std::size_t dashes = message.find_first_not_of('-');
  if (dashes == 0 || dashes == std::string::npos) return message;
  const std::size_t end = message.find_first_of(" :;,", dashes);
  const auto origin = origins_.find({command, message.substr(dashes, end - dashes)});
  return origin == origins_.end() ? message : origin->second + ": " + message;
}

}  // namespace unfold::cli
