// A batch's rows in order: the arrays that SortRows writes, and its workspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "host/tables/arena.hpp"

namespace unfold {

class RowSort {
 public:
  // Of batches of up to n rows.
  RowSort(const Arena& arena, const std::string& name, std::uint64_t n)
      : rows_(arena.array<Row>(name, n)),
        order_(arena.array<std::uint32_t>(name, n)),
        starts_(arena.array<std::uint32_t>(name, n)),
        n_segments_(arena.array<std::uint32_t>(name, 1)),
        workspace_(arena.array<std::byte>(name, arena.backend().workspace_bytes(SortRows{.n_rows = n}))) {}

  SortedRows sort(Backend& backend, const Row* rows, std::uint64_t n, std::uint64_t n_table_rows) const {
    const SortedRows sorted{rows_.data(), order_.data(), starts_.data(), n_segments_.data(), n};
    backend.run(SortRows{.rows = rows, .n_rows = n, .n_table_rows = n_table_rows, .sorted = sorted},
                {workspace_.data(), workspace_.size()});
    return sorted;
  }

 private:
  DeviceArray<Row> rows_;
  DeviceArray<std::uint32_t> order_, starts_, n_segments_;
  DeviceArray<std::byte> workspace_;
};

}  // namespace unfold
