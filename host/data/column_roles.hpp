// Which column of a table holds the users, the items, the ratings and the times.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/format.hpp"
#include "host/data/table_sample.hpp"

namespace unfold {

// A column's name in lower case, without what people put between words.
std::string normalized_name(std::string_view name);

// The column of this name, else of one that is normalized alike; kNoColumn where there is none.
int find_named_column(const std::vector<std::string>& header, const std::string& name);

// The column with the surest of the names that a role is known by, among those that `is_free` allows.
int find_column_of(const std::vector<std::string>& header, Role role, const std::function<bool(int)>& is_free);

// A column's number, as columns are given on the command line.
bool parse_column_number(const std::string& text, std::size_t& number);

// The columns there are, for messages.
std::string list_columns(const InputFormat& format);

// Throws UsageError for a role that does not exist.
void check_roles(const ImportOptions& options);

// Whether the first line of the table names its columns: the option if given, else found out.
bool has_header(const SampleTable& table, const ImportOptions& options, const std::string& source);

// Fills in `format.columns`; the other members are set. Throws DataError that lists the columns there are.
void assign_columns(InputFormat& format, const SampleTable& table, const ImportOptions& options,
                    const std::string& source);

}  // namespace unfold
