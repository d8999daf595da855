// The terminal that a stream goes to.
#pragma once

#include <cstddef>
#include <optional>

namespace unfold::cli {

// Columns of the terminal behind a file descriptor; nothing where it is none.
std::optional<std::size_t> terminal_width(int descriptor);

// Columns of a page on stdout: $COLUMNS where it is a number, else the terminal's (that of stderr or stdin where stdout
// is piped on, as into a pager), else 100. At least 40.
std::size_t page_width();

}  // namespace unfold::cli
