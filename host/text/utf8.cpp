#include "host/text/utf8.hpp"

#include <utf8.h>

namespace unfold {

std::size_t multibyte_length(std::string_view text) {
  if (text.empty() || static_cast<unsigned char>(text[0]) < 0x80) return 0;
  // The longest has four bytes; what is well-formed of them holds the first character whole, or nothing of it.
  const std::string_view first = text.substr(0, 4);
  const char* const end = utf8::find_invalid(first.begin(), first.end());
  if (end == first.begin()) return 0;
  const char* next = first.begin();
  utf8::unchecked::next(next);
  return static_cast<std::size_t>(next - first.begin());
}

bool is_utf8(std::string_view text) { return utf8::is_valid(text.begin(), text.end()); }

std::string utf8_of_latin1(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) utf8::append(static_cast<unsigned char>(c), std::back_inserter(out));
  return out;
}

}  // namespace unfold
