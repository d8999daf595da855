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
struct UpdateParts {
  Row* sorted_rows;
  std::uint32_t *order, *starts, *n_segments;
  float* chunk_sums;
  std::span<std::byte> scratch;
};
UpdateParts cut(Workspace& workspace, std::uint64_t n_rows, std::uint64_t sum_stride) {
  UpdateParts parts = {};
  parts.sorted_rows = workspace.take<Row>(n_rows);
  parts.order = workspace.take<std::uint32_t>(n_rows);
  parts.starts = workspace.take<std::uint32_t>(n_rows);
  parts.n_segments = workspace.take<std::uint32_t>(1);
  parts.chunk_sums = workspace.take<float>(chunk_slots(n_rows) * sum_stride);
  const std::size_t scratch_bytes = library_scratch_bytes(n_rows);
  parts.scratch = {workspace.take<std::byte>(scratch_bytes), scratch_bytes};
  return parts;
}

SortedBatch sort_batch(const Launch& launch, const UpdateParts& parts, const UpdateRows& op) {
  // One more than the last row: kNoRow's bits, all set, sort behind it.
  const int n_bits = std::max(1, static_cast<int>(std::bit_width(op.table.weight.rows)));
  sort_positions(launch, parts.scratch, op.rows, parts.sorted_rows, parts.starts, parts.order, op.n_rows, n_bits);
  select_starts(parts.scratch, parts.sorted_rows, parts.starts, parts.n_segments, op.n_rows, launch.stream);
  return {parts.sorted_rows, parts.order, parts.starts, parts.n_segments, op.n_rows};
}

void update_scalars(const Launch& launch, const UpdateRows& op, const SortedBatch& batch, float* chunk_sums) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    launch_update<decltype(kind)::value, float, ScalarShape>(launch, op, batch, chunk_sums);
  });
}

}  // namespace

void run(const Context& context, const UpdateRows& op, std::span<std::byte> workspace) {
  if (op.n_rows == 0) return;
  const Launch& launch = context.launch;
  const TableView& weight = op.table.weight;
  const bool is_scalar = weight.cols == 1 && weight.stride == 1 && op.gradient.stride == 1;
  if (!is_scalar) {
    check_vector_table("table", weight);
    check_vector_table("gradient", op.gradient);
  }
  Workspace memory(workspace);
  const UpdateParts parts = cut(memory, op.n_rows, (weight.cols + 7u) / 8u * 8u);
  check_workspace("update_rows", memory, workspace.size());
  const SortedBatch batch = sort_batch(launch, parts, op);
  with_element(weight.type, [&]<typename Element>() {
    if constexpr (sizeof(Element) == sizeof(float)) {
      if (is_scalar) return update_scalars(launch, op, batch, parts.chunk_sums);
    }
    update_rows_of<Element>(launch, op, batch, parts.chunk_sums);
  });
}

std::uint64_t workspace_bytes(const Context& /*context*/, const UpdateRows& op) {
  if (op.n_rows == 0) return 0;
  Workspace none;
  cut(none, op.n_rows, kMaxDim);
  return none.used_bytes();
}

}  // namespace unfold::cuda
