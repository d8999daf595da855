// Tables between a backend, where rows are padded and may be of 16 bits, and the host, where they are float32 and not
// padded.
#pragma once

#include <span>

#include "unfold/backend.hpp"
#include "unfold/tensors.hpp"

namespace unfold {

// Copies `table` (the backend's memory) to `matrix`, which takes its shape. Every element is exact in float32.
void download_table(Backend& backend, const ConstTableView& table, Tensor& matrix);

// Copies `matrix` to `table` of the same shape, rounded to the nearest element; padding is zeroed.
void upload_table(Backend& backend, const Tensor& matrix, const TableView& table);

// Copies whole rows, padded as the table's, to rows first_row .. of `table`, rounded to the nearest element.
void upload_rows(Backend& backend, std::span<const float> rows, const TableView& table, std::uint64_t first_row);

}  // namespace unfold
