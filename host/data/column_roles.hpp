// Which column of a table holds the users, the items, the ratings and the times.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/data/format.hpp"

namespace unfold {

// The first lines of a table, split. All views stay valid as long as the sample.
struct SampleTable {
  std::vector<std::string_view> first;               // the first line, a header or not
  std::vector<std::vector<std::string_view>> lines;  // the lines after it that have as many columns as most
};

// Throws UsageError for a role that does not exist.
void check_roles(const ImportOptions& options);

// Whether the first line of the table names its columns: the option if given, else found out.
bool has_header(const SampleTable& table, const ImportOptions& options, const std::string& source);

// Fills in `format.columns`; the other members are set. Throws DataError that lists the columns there are.
void assign_columns(InputFormat& format, const SampleTable& table, const ImportOptions& options,
                    const std::string& source);

}  // namespace unfold
