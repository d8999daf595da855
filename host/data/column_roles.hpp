// Which column of a table holds the users, the items, the ratings and the times.
#pragma once

#include <string>

#include "host/data/format.hpp"
#include "host/data/table_sample.hpp"

namespace unfold {

// Throws UsageError for a role that does not exist.
void check_roles(const ImportOptions& options);

// Whether the first line of the table names its columns: the option if given, else found out.
bool has_header(const SampleTable& table, const ImportOptions& options, const std::string& source);

// Fills in `format.columns`, `format.whole_ids`, and notes about columns that are not read; the other members are set.
// Throws DataError that lists the columns there are, or says which values do not fit the role of their column.
void assign_columns(InputFormat& format, const SampleTable& table, const ImportOptions& options,
                    const std::string& source);

}  // namespace unfold
