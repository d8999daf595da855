#include "kernels/update_rows_atomic.cuh"

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "unfold/error.hpp"

namespace unfold::cuda {
namespace {

template <OptimizerKind kKind, typename Shape>
void launch_update_atomic(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                          MatrixView<const float> gradient, const OptimizerStep& step) {
  constexpr std::uint64_t kGroupsABlock = kAtomicUpdateThreads / Shape::kWidth;
  constexpr auto kKernel = update_rows_atomic_kernel<kKind, Shape>;
  std::uint64_t n_groups = std::min(n_rows, kBlocksPerProcessor * launch.n_processors * kGroupsABlock);
  if constexpr (kKind == OptimizerKind::kAdam) {
    n_groups = std::min(n_groups, std::max<std::uint64_t>(1, table.weight.rows / kRowsPerAdamUpdate));
  }
  const unsigned grid = grid_size(n_groups, kGroupsABlock, n_groups);
  launch_kernel<kKernel>(launch, {grid, kAtomicUpdateThreads}, table, rows, n_rows, gradient, step, n_groups);
}

}  // namespace

void update_rows_atomic(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                        MatrixView<const float> gradient, const OptimizerStep& step) {
  if (n_rows == 0) return;
  const TableView& weight = table.weight;
  if (weight.type != TableType::kFloat32) {
    throw UsageError("update_rows_atomic takes float32 tables; update_rows takes the others");
  }
  const bool is_scalar = weight.cols == 1 && weight.stride == 1 && gradient.stride == 1;
  if (!is_scalar) {
    check_vector_table("table", weight.data, weight.cols, weight.stride);
    check_vector_table("gradient", gradient.data, gradient.cols, gradient.stride);
  }
  dispatch_optimizer(step.kind, [&](auto kind) {
    constexpr OptimizerKind kKind = decltype(kind)::value;
    if (is_scalar) return launch_update_atomic<kKind, ScalarShape>(launch, table, rows, n_rows, gradient, step);
    dispatch_shape(weight.cols, [&](auto shape) {
      launch_update_atomic<kKind, decltype(shape)>(launch, table, rows, n_rows, gradient, step);
    });
  });
}

}  // namespace unfold::cuda
