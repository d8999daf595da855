#include "host/data/escaped.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace unfold {
namespace {

constexpr std::size_t kMaxBytes = 60;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes of the printable UTF-8 character of two or more bytes at the front of `text`; 0 where there is none.
std::size_t multibyte_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  std::size_t length = 0;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t n = 1; n < length; ++n) {
    if (!is_continuation(text[n])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool control = lead == 0xC2 && second < 0xA0;
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool out_of_range = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
  return control || overlong || out_of_range ? 0 : length;
}

}  // namespace

std::string escaped(std::string_view value) {
  std::string text;
  std::size_t n = 0;
  while (n < value.size() && n < kMaxBytes) {
    const char c = value[n];
    const std::size_t length = multibyte_length(value.substr(n));
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
