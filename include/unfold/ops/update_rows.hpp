// The deterministic update of a table by a batch of gradients: those of equal rows are summed, then the optimizer is
// applied once a row. Entries of kNoRow are left out.
// Order     sums are in batch order: equal bits for any number of threads
// Bytes     n_rows * (4 * dim + 4) read, rows touched * dim * (element_bytes + 4 * state) read and written; sorting and
//           segments move some 40 bytes a row of the batch on top
// Workspace by n_rows, whatever the table
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct UpdateRows {
  ParameterView table = {};   // [n_table_rows, cols], updated with its state
  const Row* rows = nullptr;  // [n_rows]
  std::uint64_t n_rows = 0;
  MatrixView<const float> gradient = {};  // [n_rows, table.cols], stride of the table
  OptimizerStep step = {};                // whose kind the state is of
};

}  // namespace unfold
