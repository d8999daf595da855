#include "kernels/ops.hpp"
#include "kernels/update_rows_atomic_launch.cuh"

namespace unfold::cuda {

void update_rows_atomic(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                        MatrixView<const float> gradient, const OptimizerStep& step) {
  if (n_rows == 0) return;
  const TableView& weight = table.weight;
  if (weight.cols == 1 && weight.stride == 1 && gradient.stride == 1 && weight.type == TableType::kFloat32) {
    return dispatch_optimizer(step.kind, [&](auto kind) {
      launch_update_atomic<decltype(kind)::value, float, ScalarShape>(launch, table, rows, n_rows, gradient, step);
    });
  }
  check_vector_table("table", weight);
  check_vector_table("gradient", gradient);
  with_element(weight.type, [&]<typename Element>() {
    update_rows_atomic_of<Element>(launch, table, rows, n_rows, gradient, step);
  });
}

}  // namespace unfold::cuda
