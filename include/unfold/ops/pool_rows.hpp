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

// The gradient by each entry's row and weight, given that by `out`. The entries of a bag share its row of out_gradient,
// so what is written is which row and what factor: RowGradients{out_gradient, bag, factor}, which UpdateRows takes with
// the entries' rows.
// Formula   by row n: factor[n] * out_gradient[bag[n]], factor[n] = scale * weights[n]
//           weight_gradient[n] = scale * table[rows[n]] . out_gradient[bag[n]]
// Bytes     entries * 8, with weights 4 more, with their gradient a row of the table and 8 more; bags * 8, with the
//           gradient of weights 4 * cols more
struct PoolRowsGradient {
  RowBags bags = {};                          // of rows of the table
  Row* bag = nullptr;                         // [n_entries]; there are fewer than 2^32 bags
  float* factor = nullptr;                    // [n_entries]
  ConstTableView table = {};                  // [n_table_rows, cols]; read for weight_gradient alone, as the next
  MatrixView<const float> out_gradient = {};  // [n_bags, cols], stride of the table
  float* weight_gradient = nullptr;           // [n_entries] or null
};

}  // namespace unfold
