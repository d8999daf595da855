// Names of columns in the comments above a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/data/field_splitter.hpp"

namespace unfold {

// The names that the last of the `comments` gives that names all `n_columns` of the table, users and items among them;
// empty where none does. They may be parted otherwise than the data: then each has to be known, or items come before
// users. Throws DataError where a comment names items before users, and not all columns.
std::vector<std::string> header_in_comments(const std::vector<std::string_view>& comments, std::size_t n_columns,
                                            Format format, const FieldRules& rules, const std::string& source);

}  // namespace unfold
