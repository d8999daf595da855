// Rows of a table, gathered: out[n] = table[rows[n]].
// Bytes     n_rows * ((4 + element_bytes) * cols + 4)
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct LookupRows {
  ConstTableView table = {};  // [n_table_rows, cols]
  const Row* rows = nullptr;  // [n_rows]
  std::uint64_t n_rows = 0;
  MatrixView<float> out = {};  // [n_rows, table.cols], of any stride; columns past cols are zeroed
};

}  // namespace unfold
