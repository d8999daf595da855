// Rows of a table as the vectors that are scored: looked up, then transformed.
#pragma once

#include <cstdint>

#include "unfold/backend.hpp"

namespace unfold {

struct ScoredRows {
  DeviceArray<float> vectors;  // [n, stride of the table]
  DeviceArray<float> scale;    // [n], see transform_rows

  ScoredRows() = default;
  ScoredRows(Backend& backend, std::uint64_t n, std::uint32_t stride)
      : vectors(backend, n * stride), scale(backend, n) {}
  static std::uint64_t bytes(std::uint64_t n, std::uint32_t stride) { return 4 * n * (stride + 1ull); }

  MatrixView<float> look_up(Backend& backend, const TableView& table, const Row* rows, std::uint64_t n,
                            const RowTransform& transform) const {
    const MatrixView<float> looked_up{vectors.data(), n, table.cols, table.stride};
    backend.lookup_rows(table, rows, n, looked_up);
    backend.transform_rows(transform, looked_up, scale.data());
    return looked_up;
  }
};

}  // namespace unfold
