// What the user should know of the columns that were chosen.
#pragma once

#include "host/data/column_values.hpp"
#include "host/data/format.hpp"

namespace unfold {

// Adds to `format.notes`. `all_given`: the user named users and items, which says all about the columns that are left.
void note_columns(InputFormat& format, const ColumnValues& values, bool all_given);

}  // namespace unfold
