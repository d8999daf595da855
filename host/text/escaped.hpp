// Values of an input file, made fit for a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unfold {

// Bytes of the UTF-8 character at the front of a text, 0 for a control character, for what is not UTF-8, and where the
// text is empty.
std::size_t printable_length(std::string_view text);

// At most the value's first 60 bytes (then ...), with quotes, backslashes, control characters and bytes that are not
// UTF-8 escaped.
std::string escaped(std::string_view value);
// The same in double quotes.
std::string in_quotes(std::string_view value);

}  // namespace unfold
