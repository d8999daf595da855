#include "kernels/transform_rows_gradient.cuh"

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {

void run(const Context& context, const TransformRowsGradient& op, std::span<std::byte> /*workspace*/) {
  const RowTransform& transform = op.transform;
  const MatrixView<float> gradient = op.gradient;
  if (gradient.rows == 0) return;
  check_vector_table("gradient", gradient);
  if (transform.normalize || transform.l2 > 0) check_vector_table("vectors", op.vectors);
  if (!transform.normalize && transform.dropout <= 0 && transform.l2 <= 0) return;  // it is the rows' gradient already
  dispatch_shape<float>(gradient.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(context.launch, gradient.rows, kTransformThreads / Shape::kWidth);
    launch_kernel<transform_rows_gradient_kernel<Shape>>(context.launch, {grid, kTransformThreads}, transform,
                                                         op.vectors, op.scale, gradient);
  });
}

}  // namespace unfold::cuda
