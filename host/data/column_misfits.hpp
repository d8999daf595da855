// What speaks against reading a column of a table as users, items, ratings or times.
#pragma once

#include <array>
#include <string>

#include "host/data/column_values.hpp"
#include "host/data/format.hpp"

namespace unfold {

// Each gives the reason, with an example, or nothing where the values fit.
std::string rating_misfit(const ColumnValues& values, std::size_t column);
std::string time_misfit(const ColumnValues& values, std::size_t column);

// What speaks against the role that a column has by its position alone. `columns`: of the four roles by position.
std::string position_misfit(Role role, const std::array<int, 4>& columns, const ColumnValues& values,
                            const ImportOptions& options);

// Throws DataError where a column of ids holds lists of them: each list would be one id.
void refuse_lists(const InputFormat& format, const ColumnValues& values, std::size_t column, const std::string& source);

}  // namespace unfold
