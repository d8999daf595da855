#include "host/models/table_transfer.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace unfold {
namespace {

// Rows of a staging buffer of about 4 MiB.
std::uint64_t rows_at_once(std::uint32_t stride) { return std::max<std::uint64_t>(1, (1u << 20) / stride); }

}  // namespace

void download_table(Backend& backend, MatrixView<const float> table, HostMatrix& matrix) {
  matrix.rows = table.rows;
  matrix.cols = table.cols;
  matrix.data.resize(table.rows * table.cols);
  if (table.stride == table.cols) {
    backend.copy_to_host(matrix.data.data(), table.data, sizeof(float) * matrix.data.size());
    return;
  }
  const std::uint64_t chunk = rows_at_once(table.stride);
  std::vector<float> staging(chunk * table.stride);
  for (std::uint64_t first = 0; first < table.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, table.rows - first);
    backend.copy_to_host(staging.data(), table.row(first), sizeof(float) * n * table.stride);
    for (std::uint64_t r = 0; r < n; ++r) {
      std::memcpy(&matrix.data[(first + r) * table.cols], &staging[r * table.stride], sizeof(float) * table.cols);
    }
  }
}

void upload_table(Backend& backend, const HostMatrix& matrix, MatrixView<float> table) {
  if (table.stride == table.cols) {
    backend.copy_to_device(table.data, matrix.data.data(), sizeof(float) * matrix.data.size());
    return;
  }
  const std::uint64_t chunk = rows_at_once(table.stride);
  std::vector<float> staging(chunk * table.stride);
  for (std::uint64_t first = 0; first < table.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, table.rows - first);
    for (std::uint64_t r = 0; r < n; ++r) {
      std::memcpy(&staging[r * table.stride], &matrix.data[(first + r) * table.cols], sizeof(float) * table.cols);
    }
    backend.copy_to_device(table.row(first), staging.data(), sizeof(float) * n * table.stride);
  }
}

}  // namespace unfold
