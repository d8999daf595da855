#include "host/data/escaped.hpp"

#include <fmt/format.h>

#include <iterator>

#include "host/data/utf8.hpp"

namespace unfold {
namespace {

constexpr std::size_t kMaxBytes = 60;

// As multibyte_length, but 0 for a control character.
std::size_t printable_length(std::string_view text) {
  const bool control = text.size() > 1 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
  return control ? 0 : multibyte_length(text);
}

}  // namespace

std::string escaped(std::string_view value) {
  std::string text;
  std::size_t n = 0;
  while (n < value.size() && n < kMaxBytes) {
    const char c = value[n];
    const std::size_t length = printable_length(value.substr(n));
    if (n + length > kMaxBytes) break;
    if (length > 0) {
      text.append(value.substr(n, length));
      n += length;
      continue;
    }
    if (c == '"' || c == '\\') {
      text.push_back('\\');
      text.push_back(c);
    } else if (c >= 0x20 && c < 0x7F) {
      text.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned char>(c));
    }
    ++n;
  }
  if (n < value.size()) text += "...";
  return text;
}

std::string in_quotes(std::string_view value) { return '"' + escaped(value) + '"'; }

}  // namespace unfold
