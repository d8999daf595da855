// Rows of a table as the vectors that are scored.
#pragma once

#include <cstdint>
#include <string>

#include "host/tables/arena.hpp"
#include "unfold/backend.hpp"

namespace unfold {

struct ScoredRows {
  DeviceArray<float> vectors;  // [n, stride of the table]
  DeviceArray<float> scale;    // [n], see LookupRows

  ScoredRows() = default;
  ScoredRows(const Arena& arena, const std::string& name, std::uint64_t n, std::uint32_t stride)
      : vectors(arena.array<float>(name, n * stride)), scale(arena.array<float>(name, n)) {}

  // With numbers of the rows where there are any.
  MatrixView<float> look_up(Backend& backend, const TableView& table, const Row* rows, std::uint64_t n,
                            const RowTransform& transform, const RowNumbers& first = {},
                            const RowNumbers& second = {}) const {
    const MatrixView<float> looked_up{vectors.data(), n, table.cols, table.stride};
    backend.run(LookupRows{.table = table,
                           .rows = rows,
                           .n_rows = n,
                           .out = looked_up,
                           .transform = transform,
                           .scale = scale.data(),
                           .numbers = {first, second}});
    return looked_up;
  }
};

}  // namespace unfold
