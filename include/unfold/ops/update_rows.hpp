// The deterministic update of a table by a batch of gradients: those of equal rows are summed, then the optimizer is
// applied once a row. Entries of kNoRow are left out. A bias of each row may be updated with it.
// Order     sums are in batch order: equal bits for any number of threads
// Bytes     n_rows * (a row of the gradient + 8, weighted 8 more) read, or a row for each distinct
//           one where they are summed; rows touched * dim * (element_bytes + 4 * state) read and written; a bias is a
//           dim of 1 more
// Workspace by n_rows, whatever the table
#pragma once

#include <cstdint>
#include <stdexcept>

#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct UpdateRows {
  ParameterView table = {};              // [n_table_rows, cols], updated with its state
  SortedRows sorted = {};                // rows of the batch, of this table; n of them
  RowGradients gradient = {};            // of the table's columns and stride
  OptimizerStep step = {};               // whose kind the state is of
  ParameterView bias = {};               // [n_table_rows, 1] in float32, updated likewise, where
  const float* bias_gradient = nullptr;  // [n] by place, or [distinct rows] where they are summed; null: no bias
  float bias_l2 = 0;                     // as RowGradients::l2
};

// Throws std::logic_error: fields of more than one form of gradients, or another shape or type than the table's.
inline void check_gradients(const UpdateRows& op) {
  const RowGradients& gradient = op.gradient;
  const TableView& table = op.table.weight;
  const TableType type = gradient.rows.type;
  const bool is_one =
      gradient.is_weighted()
          ? gradient.scale != nullptr && !gradient.is_summed && (type == TableType::kFloat32 || type == table.type)
          : gradient.scale == nullptr && gradient.l2 == 0 && op.bias_l2 == 0 && type == TableType::kFloat32;
  if (!is_one) throw std::logic_error("update_rows: gradients are by place, weighted or summed");
  if (gradient.rows.cols != table.cols || gradient.rows.stride != table.stride) {
    throw std::logic_error("update_rows: gradients have the table's columns and stride");
  }
}

}  // namespace unfold
