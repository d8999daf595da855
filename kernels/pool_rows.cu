#include "kernels/ops.hpp"
#include "kernels/pool_rows.cuh"
#include "kernels/pool_rows_gradient.cuh"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

// Calls launch(RowShape<...>()) with the shape for the table, checking it and a float matrix of the same stride.
template <typename LaunchShape>
void dispatch_pooled(const ConstTableView& table, const char* what, const void* data, std::uint32_t stride,
                     LaunchShape&& launch) {
  if (table.cols == 1 && table.stride == 1 && stride == 1) return launch(ScalarShape());
  check_vector_table("table", table.data, table.cols, table.stride);
  check_vector_table(what, data, table.cols, stride);
  dispatch_shape(table.cols, launch);
}

}  // namespace

void pool_rows(const Launch& launch, const ConstTableView& table, const RowBags& bags, MatrixView<float> out) {
  if (bags.n_bags == 0) return;
  dispatch_pooled(table, "out", out.data, out.stride, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, bags.n_bags, kPoolThreads / Shape::kWidth);
    launch_kernel<pool_rows_kernel<float, Shape>>(launch, {grid, kPoolThreads}, table.as<const float>(), bags, out);
  });
}

void pool_rows_gradient(const Launch& launch, const ConstTableView& table, const RowBags& bags,
                        MatrixView<const float> out_gradient, MatrixView<float> row_gradient, float* weight_gradient) {
  if (bags.n_entries == 0) return;
  if (table.cols > 1) check_vector_table("out_gradient", out_gradient.data, out_gradient.cols, out_gradient.stride);
  dispatch_pooled(table, "row_gradient", row_gradient.data, row_gradient.stride, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, bags.n_entries, kPoolThreads / Shape::kWidth * kEntriesARun);
    launch_kernel<pool_rows_gradient_kernel<float, Shape>>(launch, {grid, kPoolThreads}, table.as<const float>(), bags,
                                                           out_gradient, row_gradient, weight_gradient);
  });
}

}  // namespace unfold::cuda
