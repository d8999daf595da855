#include "kernels/sort_positions.hpp"

#include "kernels/device_algorithms.hpp"
#include "kernels/number_positions.cuh"

namespace unfold::cuda {

void sort_positions(const Launch& launch, std::span<std::byte> scratch, const Row* rows, Row* sorted_rows,
                    std::uint32_t* numbers, std::uint32_t* order, std::uint64_t n, int n_bits) {
  const unsigned grid = filling_grid(launch, n, kNumberThreads);
  launch_kernel<number_positions_kernel>(launch, {grid, kNumberThreads}, numbers, n);
  sort_by_row(scratch, rows, sorted_rows, numbers, order, n, n_bits, launch.stream);
}

RowSort take_row_sort(Workspace& workspace, std::uint64_t n) {
  if (n == 0) return {};
  RowSort parts;
  parts.sorted_rows = workspace.take<Row>(n);
  parts.numbers = workspace.take<std::uint32_t>(n);
  parts.order = workspace.take<std::uint32_t>(n);
  const std::size_t bytes = sort_by_row_scratch_bytes(n);
  parts.scratch = {workspace.take<std::byte>(bytes), bytes};
  return parts;
}

SortedRows sort_rows(const Launch& launch, const RowSort& parts, const Row* rows, std::uint64_t n) {
  constexpr int kRowBits = 32;
  sort_positions(launch, parts.scratch, rows, parts.sorted_rows, parts.numbers, parts.order, n, kRowBits);
  return {parts.sorted_rows, parts.order, n};
}

}  // namespace unfold::cuda
