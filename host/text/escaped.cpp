#include "host/text/escaped.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "host/text/utf8.hpp"

namespace unfold {
namespace {

constexpr std::size_t kMaxBytes = 60;

}  // namespace

std::size_t printable_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x80) return byte >= 0x20 && byte != 0x7F ? 1 : 0;
  const bool control = byte == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return control ? 0 : multibyte_length(text);
}

std::string escaped(std::string_view value) {
  std::string text;
  std::size_t n = 0;
  while (n < value.size() && n < kMaxBytes) {
    const char c = value[n];
    const std::size_t length = printable_length(value.substr(n));
    if (n + length > kMaxBytes) break;
    if (length == 0) {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') text.push_back('\\');
      text.append(value.substr(n, length));
    }
    n += std::max<std::size_t>(length, 1);
  }
  if (n < value.size()) text += "...";
  return text;
}

std::string in_quotes(std::string_view value) { return '"' + escaped(value) + '"'; }

}  // namespace unfold
