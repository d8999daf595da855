#include "kernels/transform_rows.cuh"

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {

void transform_rows(const Launch& launch, const RowTransform& transform, MatrixView<float> rows, float* scale) {
  if (rows.rows == 0) return;
  check_vector_table("rows", rows);
  dispatch_shape<float>(rows.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, rows.rows, kTransformThreads / Shape::kWidth);
    launch_kernel<transform_rows_kernel<Shape>>(launch, {grid, kTransformThreads}, transform, rows, scale);
  });
}

void transform_rows_gradient(const Launch& launch, const RowTransform& transform, MatrixView<const float> vectors,
                             const float* scale, MatrixView<float> gradient) {
  if (gradient.rows == 0) return;
  check_vector_table("gradient", gradient);
  if (transform.normalize || transform.l2 > 0) check_vector_table("vectors", vectors);
  if (!transform.normalize && transform.dropout <= 0 && transform.l2 <= 0) return;  // it is the rows' gradient already
  dispatch_shape<float>(gradient.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, gradient.rows, kTransformThreads / Shape::kWidth);
    launch_kernel<transform_rows_gradient_kernel<Shape>>(launch, {grid, kTransformThreads}, transform, vectors, scale,
                                                         gradient);
  });
}

}  // namespace unfold::cuda
