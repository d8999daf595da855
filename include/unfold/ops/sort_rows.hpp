// The rows of a batch in ascending order, and where each distinct one begins: once for all that goes by it, the updates
// of a table and of its biases (UpdateRows) and the search for known negatives (SampledSoftmax).
// Order     equal rows in batch order, kNoRow last
// Bytes     12 * n_rows read and written at least; a sort takes some more passes over them
// Workspace by n_rows, whatever the rows
#pragma once

#include <cstdint>

#include "unfold/op_arguments.hpp"

namespace unfold {

struct SortRows {
  const Row* rows = nullptr;       // [n_rows], each below n_table_rows, or kNoRow
  std::uint64_t n_rows = 0;        // < 2^32
  std::uint64_t n_table_rows = 0;  // <= 2^32 - 1
  SortedRows sorted = {};          // written; its n is n_rows
};

}  // namespace unfold
