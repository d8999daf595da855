// Values of an input file, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace unfold {

// At most the value's first 60 bytes (then ...), with quotes, backslashes, control characters and bytes that are not
// UTF-8 escaped.
std::string escaped(std::string_view value);
// The same in double quotes.
std::string in_quotes(std::string_view value);

}  // namespace unfold
