#include "kernels/pool_rows.cuh"

#include "kernels/ops.hpp"
#include "kernels/pool_rows_gradient.cuh"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

// Calls launch.template operator()<Element, Shape>() for the table, once it and a float matrix of the same stride were
// checked.
template <typename LaunchTable>
void dispatch_pooled(const ConstTableView& table, const char* what, const ConstTableView& matrix,
                     LaunchTable&& launch) {
  if (table.cols == 1 && table.stride == 1 && matrix.stride == 1 && table.type == TableType::kFloat32) {
    return launch.template operator()<float, ScalarShape>();
  }
  check_vector_table("table", table);
  check_vector_table(what, matrix);
  with_element(table.type, [&]<typename Element>() {
    dispatch_shape<Element>(table.cols, [&](auto shape) { launch.template operator()<Element, decltype(shape)>(); });
  });
}

}  // namespace

void pool_rows(const Launch& launch, const ConstTableView& table, const RowBags& bags, MatrixView<float> out) {
  if (bags.n_bags == 0) return;
  dispatch_pooled(table, "out", out, [&]<typename Element, typename Shape>() {
    const unsigned grid = filling_grid(launch, bags.n_bags, kPoolThreads / Shape::kWidth);
    launch_kernel<pool_rows_kernel<Element, Shape>>(launch, {grid, kPoolThreads}, table.as<const Element>(), bags, out);
  });
}

void pool_rows_gradient(const Launch& launch, const ConstTableView& table, const RowBags& bags,
                        MatrixView<const float> out_gradient, MatrixView<float> row_gradient, float* weight_gradient) {
  if (bags.n_entries == 0) return;
  if (out_gradient.stride > 1) check_vector_table("out_gradient", out_gradient);
  dispatch_pooled(table, "row_gradient", row_gradient, [&]<typename Element, typename Shape>() {
    const unsigned grid = filling_grid(launch, bags.n_entries, kPoolThreads / Shape::kWidth * kEntriesARun);
    launch_kernel<pool_rows_gradient_kernel<Element, Shape>>(launch, {grid, kPoolThreads}, table.as<const Element>(),
                                                             bags, out_gradient, row_gradient, weight_gradient);
  });
}

}  // namespace unfold::cuda
