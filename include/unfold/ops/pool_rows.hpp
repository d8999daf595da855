// Weighted sums or means of bags of rows, and their gradient.
#pragma once

#include "unfold/matrix_view.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

// Formula   out[b] = scale * sum of weights[n] * table[rows[n]] over the entries n of bag b, with scale = 1 / (entries
//           of the bag) for a mean (not the sum of its weights) and 1 for a sum. An empty bag gives zeros
// Order     a bag's entries in their order: equal bits from run to run
// Bytes     entries * (row of the table + 8) + bags * (4 * cols + 8)
struct PoolRows {
  ConstTableView table = {};   // [n_table_rows, cols]
  RowBags bags = {};           // of rows of the table
  MatrixView<float> out = {};  // [n_bags, cols], stride of the table; columns past cols are zeroed
};

// The gradient by each entry's row and weight, given that by `out`.
// Formula   row_gradient[n] = scale * weights[n] * out_gradient[b], which UpdateRows takes with bags.rows
//           weight_gradient[n] = scale * table[rows[n]] . out_gradient[b]
// Bytes     entries * (4 * cols + 8), with weights a row of the table and 4 more; bags * 4 * cols
struct PoolRowsGradient {
  ConstTableView table = {};                  // [n_table_rows, cols]
  RowBags bags = {};                          // of rows of the table
  MatrixView<const float> out_gradient = {};  // [n_bags, cols], stride of the table
  MatrixView<float> row_gradient = {};        // [n_entries, cols], stride of the table
  float* weight_gradient = nullptr;           // [n_entries] or null
};

}  // namespace unfold
