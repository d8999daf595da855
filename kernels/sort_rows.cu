#include "kernels/sort_rows.cuh"

#include <algorithm>
#include <bit>

#include "kernels/device_algorithms.hpp"
#include "kernels/number_positions.cuh"
#include "kernels/ops.hpp"
#include "kernels/sort_rows.hpp"

namespace unfold::cuda {
namespace {

void sort_in_a_block(const Launch& launch, const Row* rows, const SortedRows& sorted) {
  const auto n_padded = static_cast<unsigned>(std::bit_ceil(std::max<std::uint64_t>(sorted.n, 2)));
  const unsigned threads = std::clamp(n_padded, kWarpSize, kSortThreads);
  launch_kernel<sort_rows_kernel>(launch, {1, threads, n_padded * sizeof(std::uint64_t)}, rows, n_padded, sorted);
}

}  // namespace

SortScratch take_sort_scratch(Workspace& workspace, std::uint64_t n) {
  SortScratch scratch;
  if (n <= kMostRowsOfABlock) return scratch;
  scratch.numbers = workspace.take<std::uint32_t>(n);
  const std::size_t bytes = std::max(sort_by_row_scratch_bytes(n), select_starts_scratch_bytes(n));
  scratch.library = {workspace.take<std::byte>(bytes), bytes};
  return scratch;
}

SortedRows take_sorted_rows(Workspace& workspace, std::uint64_t n) {
  SortedRows sorted;
  sorted.n = n;
  sorted.rows = workspace.take<Row>(n);
  sorted.order = workspace.take<std::uint32_t>(n);
  sorted.starts = workspace.take<std::uint32_t>(n);
  sorted.n_segments = workspace.take<std::uint32_t>(1);
  return sorted;
}

void sort_rows(const Launch& launch, const SortScratch& scratch, const Row* rows, std::uint64_t n_table_rows,
               const SortedRows& sorted) {
  const std::uint64_t n = sorted.n;
  if (n <= kMostRowsOfABlock) return sort_in_a_block(launch, rows, sorted);
  const unsigned grid = filling_grid(launch, n, kNumberThreads);
  launch_kernel<number_positions_kernel>(launch, {grid, kNumberThreads}, scratch.numbers, n);
  // One more than the last row: kNoRow's bits, all set, sort behind it.
  const int n_bits = std::max(1, static_cast<int>(std::bit_width(n_table_rows)));
  sort_by_row(scratch.library, rows, sorted.rows, scratch.numbers, sorted.order, n, n_bits, launch.stream);
  select_starts(scratch.library, sorted.rows, sorted.starts, sorted.n_segments, n, launch.stream);
}

void run(const Context& context, const SortRows& op, std::span<std::byte> workspace) {
  if (op.n_rows == 0) {
    UNFOLD_CUDA_CHECK(cudaMemsetAsync(op.sorted.n_segments, 0, sizeof(std::uint32_t), context.launch.stream));
    return;
  }
  Workspace memory(workspace);
  const SortScratch scratch = take_sort_scratch(memory, op.n_rows);
  check_workspace("sort_rows", memory, workspace.size());
  SortedRows sorted = op.sorted;
  sorted.n = op.n_rows;
  sort_rows(context.launch, scratch, op.rows, op.n_table_rows, sorted);
}

std::uint64_t workspace_bytes(const Context& /*context*/, const SortRows& op) {
  Workspace none;
  take_sort_scratch(none, op.n_rows);
  return none.used_bytes();
}

}  // namespace unfold::cuda
