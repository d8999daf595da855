#include "kernels/ops.hpp"
#include "kernels/update_rows_launch.cuh"
#include "kernels/workspace.hpp"
#include "unfold/error.hpp"

namespace unfold::cuda {
namespace {

ChunkSums cut(Workspace& workspace, std::uint64_t n_rows, std::uint64_t stride) {
  ChunkSums sums;
  sums.stride = stride;
  sums.rows = workspace.take<float>(chunk_slots(n_rows) * stride);
  sums.bias = workspace.take<float>(chunk_slots(n_rows));
  return sums;
}

void update_scalars(const Launch& launch, const UpdateRows& op, const ChunkSums& sums) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    constexpr OptimizerKind kKind = decltype(kind)::value;
    if (!is_by_place(op)) return launch_update<false, kKind, float, ScalarShape>(launch, op, sums);
    launch_update<true, kKind, float, ScalarShape>(launch, op, sums);
  });
}

}  // namespace

void run(const Context& context, const UpdateRows& op, std::span<std::byte> workspace) {
  check_gradients(op);
  if (op.sorted.n == 0) return;
  const Launch& launch = context.launch;
  const TableView& weight = op.table.weight;
  const bool is_scalar = weight.cols == 1 && weight.stride == 1 && op.gradient.rows.stride == 1;
  if (!is_scalar) {
    check_vector_table("table", weight);
    check_vector_table("gradient", op.gradient.rows);
  }
  Workspace memory(workspace);
  const ChunkSums sums = cut(memory, op.sorted.n, (weight.cols + 7u) / 8u * 8u);
  check_workspace("update_rows", memory, workspace.size());
  with_element(weight.type, [&]<typename Element>() {
    if constexpr (sizeof(Element) == sizeof(float)) {
      if (is_scalar) return update_scalars(launch, op, sums);
    }
    update_rows_of<Element>(launch, op, sums);
  });
}

std::uint64_t workspace_bytes(const Context& /*context*/, const UpdateRows& op) {
  if (op.sorted.n == 0) return 0;
  Workspace none;
  cut(none, op.sorted.n, kMaxDim);
  return none.used_bytes();
}

}  // namespace unfold::cuda
