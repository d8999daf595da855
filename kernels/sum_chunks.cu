#include "kernels/update_rows_launch.cuh"

namespace unfold::cuda {
namespace {

template <typename Shape>
void launch_sum_chunks(const Launch& launch, const SortedRows& batch, const RowGradients& gradients,
                       const ChunkSums& sums) {
  const unsigned grid = filling_grid(launch, chunk_slots(batch.n), kUpdateThreads / Shape::kWidth);
  launch_kernel<sum_chunks_kernel<Shape>>(launch, {grid, kUpdateThreads}, batch, gradients, sums);
}

}  // namespace

void sum_chunks(const Launch& launch, const SortedRows& batch, const RowGradients& gradients, const ChunkSums& sums) {
  if (gradients.rows.cols == 1) return launch_sum_chunks<ScalarShape>(launch, batch, gradients, sums);
  dispatch_shape<float>(gradients.rows.cols,
                        [&](auto shape) { launch_sum_chunks<decltype(shape)>(launch, batch, gradients, sums); });
}

}  // namespace unfold::cuda
