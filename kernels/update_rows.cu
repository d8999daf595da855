#include <algorithm>
#include <bit>

#include "kernels/device_algorithms.hpp"
#include "kernels/ops.hpp"
#include "kernels/sort_positions.hpp"
#include "kernels/update_rows_launch.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

std::size_t library_scratch_bytes(std::uint64_t n) {
  return std::max(sort_by_row_scratch_bytes(n), select_starts_scratch_bytes(n));
}

// The workspace in parts. starts holds 0, 1, 2, ... until the sort has carried them to order.
struct Parts {
  Row* sorted_rows;
  std::uint32_t *order, *starts, *n_segments;
  float* chunk_sums;
  std::span<std::byte> scratch;
};
Parts cut(Workspace& workspace, std::uint64_t n_rows, std::uint64_t sum_stride) {
  Parts parts = {};
  parts.sorted_rows = workspace.take<Row>(n_rows);
  parts.order = workspace.take<std::uint32_t>(n_rows);
  parts.starts = workspace.take<std::uint32_t>(n_rows);
  parts.n_segments = workspace.take<std::uint32_t>(1);
  parts.chunk_sums = workspace.take<float>(chunk_slots(n_rows) * sum_stride);
  const std::size_t scratch_bytes = library_scratch_bytes(n_rows);
  parts.scratch = {workspace.take<std::byte>(scratch_bytes), scratch_bytes};
  return parts;
}

SortedBatch sort_batch(const Launch& launch, const Parts& parts, const Row* rows, std::uint64_t n_rows,
                       std::uint64_t n_table_rows) {
  // One more than the last row: kUnknownRow's bits, all set, sort behind it.
  const int n_bits = std::max(1, static_cast<int>(std::bit_width(n_table_rows)));
  sort_positions(launch, parts.scratch, rows, parts.sorted_rows, parts.starts, parts.order, n_rows, n_bits);
  select_starts(parts.scratch, parts.sorted_rows, parts.starts, parts.n_segments, n_rows, launch.stream);
  return {parts.sorted_rows, parts.order, parts.starts, parts.n_segments, n_rows};
}

void update_scalars(const Launch& launch, const ParameterView& table, const SortedBatch& batch,
                    MatrixView<const float> gradient, const OptimizerStep& step, float* chunk_sums) {
  dispatch_optimizer(step.kind, [&](auto kind) {
    launch_update<decltype(kind)::value, float, ScalarShape>(launch, table, batch, gradient, step, chunk_sums);
  });
}

}  // namespace

void update_rows(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                 MatrixView<const float> gradient, const OptimizerStep& step, std::span<std::byte> workspace) {
  if (n_rows == 0) return;
  const TableView& weight = table.weight;
  const bool is_scalar = weight.cols == 1 && weight.stride == 1 && gradient.stride == 1;
  if (!is_scalar) {
    check_vector_table("table", weight);
    check_vector_table("gradient", gradient);
  }
  Workspace memory(workspace);
  const Parts parts = cut(memory, n_rows, (weight.cols + 7u) / 8u * 8u);
  check_workspace("update_rows", memory, workspace.size());
  const SortedBatch batch = sort_batch(launch, parts, rows, n_rows, weight.rows);
  with_element(weight.type, [&]<typename Element>() {
    if constexpr (sizeof(Element) == sizeof(float)) {
      if (is_scalar) return update_scalars(launch, table, batch, gradient, step, parts.chunk_sums);
    }
    update_rows_of<Element>(launch, table, batch, gradient, step, parts.chunk_sums);
  });
}

std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows) {
  if (n_rows == 0) return 0;
  Workspace none;
  cut(none, n_rows, kMaxDim);
  return none.used_bytes();
}

}  // namespace unfold::cuda
