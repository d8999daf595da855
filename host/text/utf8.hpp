// Text that should be UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unfold {

// Bytes of the well-formed UTF-8 character of two or more bytes at the front of `text`; 0 where there is none.
std::size_t multibyte_length(std::string_view text);

bool is_utf8(std::string_view text);

// Latin-1 (ISO 8859-1), where each byte is a character, as UTF-8.
std::string utf8_of_latin1(std::string_view text);

}  // namespace unfold
