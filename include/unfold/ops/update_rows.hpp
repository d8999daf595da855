// The deterministic update of a table by a batch of gradients: those of equal rows are summed, then the optimizer is
// applied once a row. Entries of kNoRow are left out. A bias of each row may be updated with it.
// Order     sums are in batch order: equal bits for any number of threads
// Bytes     n_rows * (4 * dim + 8) read, rows touched * dim * (element_bytes + 4 * state) read and written; a bias is a
//           dim of 1 more
// Workspace by n_rows, whatever the table
#pragma once

#include <cstdint>

#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct UpdateRows {
  ParameterView table = {};               // [n_table_rows, cols], updated with its state
  SortedRows sorted = {};                 // rows of the batch, of this table; n of them
  MatrixView<const float> gradient = {};  // [n, table.cols] in batch order, stride of the table
  OptimizerStep step = {};                // whose kind the state is of
  ParameterView bias = {};                // [n_table_rows, 1] in float32, updated likewise, where
  const float* bias_gradient = nullptr;   // [n] in batch order, or null
};

}  // namespace unfold
