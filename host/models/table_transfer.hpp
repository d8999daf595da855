// Tables between a backend, where rows are padded, and the host, where they are not.
#pragma once

#include "unfold/backend.hpp"
#include "unfold/model.hpp"

namespace unfold {

// Copies `table` (the backend's memory) to `matrix`, which takes its shape.
void download_table(Backend& backend, MatrixView<const float> table, HostMatrix& matrix);

// Copies `matrix` to `table` of the same shape; padding is zeroed.
void upload_table(Backend& backend, const HostMatrix& matrix, MatrixView<float> table);

}  // namespace unfold
