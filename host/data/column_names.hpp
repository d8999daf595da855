// The names that columns have, and the roles that they tell.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/format.hpp"

namespace unfold {

// A column's name in lower case, without what people put between words and without RecBole's type (user_id:token).
std::string normalized_name(std::string_view name);

// The column of this name, else of one that is normalized alike; kNoColumn where there is none.
int find_named_column(const std::vector<std::string>& header, const std::string& name);

// The columns whose names a role is known by, the surest first.
std::vector<int> find_columns_of(const std::vector<std::string>& header, Role role);
// The first of them that `is_free` allows; kNoColumn where there is none.
int find_column_of(const std::vector<std::string>& header, Role role, const std::function<bool(int)>& is_free);

// How many roles have a column that is known by its name.
std::size_t count_known_roles(const std::vector<std::string>& header);
// Whether both users and items have one.
bool names_user_and_item(const std::vector<std::string>& header);

// A column's number, as columns are given on the command line.
bool parse_column_number(const std::string& text, std::size_t& number);

// The columns there are, for messages.
std::string list_columns(const InputFormat& format);

}  // namespace unfold
