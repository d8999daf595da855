// Rows in ascending order, and where each of them stood.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/launch.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {

// A stable sort of rows below 2^n_bits: sorted_rows[k] = rows[order[k]]. All arrays [n]; `numbers` is scratch, and
// `scratch` holds at least sort_by_row_scratch_bytes(n).
void sort_positions(const Launch& launch, std::span<std::byte> scratch, const Row* rows, Row* sorted_rows,
                    std::uint32_t* numbers, std::uint32_t* order, std::uint64_t n, int n_bits);

// Negatives that queries share, by row: rows ascending, and where each stands among the negatives.
struct SortedRows {
  const Row* rows = nullptr;                 // [n]
  const std::uint32_t* positions = nullptr;  // [n]
  std::uint64_t n = 0;
};

// The workspace of such a sort.
struct RowSort {
  Row* sorted_rows = nullptr;
  std::uint32_t *numbers = nullptr, *order = nullptr;
  std::span<std::byte> scratch;
};
RowSort take_row_sort(Workspace& workspace, std::uint64_t n);
SortedRows sort_rows(const Launch& launch, const RowSort& parts, const Row* rows, std::uint64_t n);

}  // namespace unfold::cuda
