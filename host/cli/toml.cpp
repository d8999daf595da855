#include "host/cli/toml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <utility>

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

class Reader {
 public:
  Reader(std::string text, std::string file) : text_(std::move(text)), file_(std::move(file)) {}

  std::vector<TomlTable> read() {
    std::vector<TomlTable> tables(1);
    for (skip_blank_lines(); !at_end(); skip_blank_lines()) {
      if (peek() == '[') {
        tables.push_back({line_, read_table(), {}});
      } else {
        tables.back().pairs.push_back(read_pair());
      }
      end_line();
    }
    return tables;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw TomlError(fmt::format("{}:{}: {}", file_, line_, what));
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
    return table;
  }

  TomlPair read_pair() {
    TomlPair pair;
    pair.key = read_key();
    pair.line = line_;
    expect('=', "after the key");
    skip_spaces();
    if (peek() == '[') {
      read_array(pair.values);
    } else {
      pair.values.push_back({read_value(), line_});
    }
    return pair;
  }

  void read_array(std::vector<TomlValue>& values) {
    take();
    for (skip_blank_lines(); peek() != ']'; skip_blank_lines()) {
      values.push_back({read_value(), line_});
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

  std::string text_;
  std::string file_;
  std::size_t position_ = 0;
  std::uint64_t line_ = 1;
};

}  // namespace

std::vector<TomlTable> read_toml(std::string text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // a byte-order mark
  return Reader(std::move(text), file).read();
}

}  // namespace unfold::cli
