// Rows of a table, gathered, and made the vectors that are scored; with them numbers of the rows, such as biases.
// Formula   out[n] = dropout(table[rows[n]]) * scale[n], scale[n] = 1 / its length where transform.normalize, else 1
// Bytes     n_rows * ((4 + element_bytes) * cols + 4), and 8 for each number
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/softmax_arguments.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct LookupRows {
  ConstTableView table = {};  // [n_table_rows, cols]
  const Row* rows = nullptr;  // [n_rows]
  std::uint64_t n_rows = 0;
  MatrixView<float> out = {};   // [n_rows, table.cols], of any stride; columns past cols are zeroed
  RowTransform transform = {};  // its l2 is not read
  float* scale = nullptr;       // [n_rows] or null
  RowNumbers numbers[2] = {};
};

}  // namespace unfold
