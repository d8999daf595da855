#include "kernels/update_rows_launch.cuh"

namespace unfold::cuda {

void sum_chunks(const Launch& launch, const SortedRows& batch, const BatchGradients& gradients, const ChunkSums& sums) {
  const auto launch_sums = [&]<bool kWeighted, typename From, typename Shape>() {
    const unsigned grid = filling_grid(launch, chunk_slots(batch.n), kUpdateThreads / Shape::kWidth);
    launch_kernel<sum_chunks_kernel<kWeighted, From, Shape>>(launch, {grid, kUpdateThreads}, batch, gradients, sums);
  };
  const ConstTableView& rows = gradients.rows.rows;
  const bool is_scalar = rows.cols == 1 && rows.stride == 1;
  if (!gradients.rows.is_weighted()) {
    if (is_scalar) return launch_sums.template operator()<false, float, ScalarShape>();
    return dispatch_shape<float>(rows.cols,
                                 [&](auto shape) { launch_sums.template operator()<false, float, decltype(shape)>(); });
  }
  if (is_scalar) return launch_sums.template operator()<true, float, ScalarShape>();
  with_element(rows.type, [&]<typename From>() {
    dispatch_shape<From, ShapeSet::kLeast>(
        rows.cols, [&](auto shape) { launch_sums.template operator()<true, From, decltype(shape)>(); });
  });
}

}  // namespace unfold::cuda
