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
    dispatch_shape<Element, ShapeSet::kFew>(
        table.cols, [&](auto shape) { launch.template operator()<Element, decltype(shape)>(); });
  });
}

}  // namespace

void run(const Context& context, const PoolRows& op, std::span<std::byte> /*workspace*/) {
  if (op.bags.n_bags == 0) return;
  dispatch_pooled(op.table, "out", op.out, [&]<typename Element, typename Shape>() {
    const unsigned grid = filling_grid(context.launch, op.bags.n_bags, kPoolThreads / Shape::kWidth);
    launch_kernel<pool_rows_kernel<Element, Shape>>(context.launch, {grid, kPoolThreads}, op.table.as<const Element>(),
                                                    op.bags, op.out);
  });
}

void run(const Context& context, const PoolRowsGradient& op, std::span<std::byte> /*workspace*/) {
  if (op.bags.n_entries == 0) return;
  const auto launch = [&]<typename Element, typename Shape>() {
    const unsigned grid =
        filling_grid(context.launch, op.bags.n_entries, kPoolThreads / Shape::kWidth * kEntriesARun<Shape>);
    launch_kernel<pool_rows_gradient_kernel<Element, Shape>>(context.launch, {grid, kPoolThreads}, op);
  };
  if (op.weight_gradient == nullptr) return launch.template operator()<float, ScalarShape>();
  dispatch_pooled(op.table, "out_gradient", op.out_gradient, launch);
}

}  // namespace unfold::cuda
