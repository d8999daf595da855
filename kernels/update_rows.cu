#include "kernels/chunk_sums.hpp"
#include "kernels/ops.hpp"
#include "kernels/update_rows_launch.cuh"
#include "unfold/error.hpp"

namespace unfold::cuda {
namespace {

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
  const ChunkSums sums = take_chunk_sums(memory, chunk_slots(op.sorted.n), weight.cols);
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
  const std::uint32_t cols = op.table.weight.cols;
  take_chunk_sums(none, chunk_slots(op.sorted.n), cols > 0 ? cols : kMaxDim);
  return none.used_bytes();
}

}  // namespace unfold::cuda
