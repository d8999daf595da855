// A stable sort of positions by row.
#pragma once

#include <cstdint>
#include <span>

#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

// A row and where it stood.
struct RowPosition {
  Row row;
  std::uint32_t position;
};

// Sorts (rows[n], n) by row, equal rows in order of n: least-significant-digit radix sort, leaving out the high
// digits that no row uses. `buffer` and `spare` hold rows.size() each; returns the one that holds the result.
// Requires rows.size() < 2^32.
std::span<RowPosition> sort_rows(std::span<const Row> rows, std::span<RowPosition> buffer,
                                 std::span<RowPosition> spare);

}  // namespace unfold::cpu
