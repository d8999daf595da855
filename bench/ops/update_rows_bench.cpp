// The deterministic sparse update of a sorted batch: update_rows/dim/optimizer/type/skewed. Optimizer 0 is SGD, 1
// AdaGrad, 2 row-wise AdaGrad, 3 Adam.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "host/tables/row_sort.hpp"

namespace unfold::bench {
namespace {

void update_rows(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto kind = static_cast<OptimizerKind>(state.range(1));
  const TableType type = table_type(state.range(2));
  const std::uint64_t n_rows = by_device(4 << 20, 1 << 19), n = by_device(1 << 20, 1 << 17);
  const Table table(n_rows, dim, type, kind);
  const std::vector<Row> host_rows = state.range(3) != 0 ? popular_rows(n, n_rows, 1) : uniform_rows(n, n_rows, 1);
  const DeviceArray<Row> rows = upload(host_rows);
  const Table gradients(n, dim, TableType::kFloat32, OptimizerKind::kSgd, 0.01f);
  const std::uint32_t stride = table.weight().stride;
  const DeviceArray<float> gradient(device(), n * stride);
  const DeviceArray<Row> gradient_rows = upload(uniform_rows(n, n, 2));
  const MatrixView<float> gradient_view{gradient.data(), n, dim, stride};
  device().run(
      LookupRows{.table = gradients.weight(), .rows = gradient_rows.data(), .n_rows = n, .out = gradient_view});
  OptimizerStep step;
  step.kind = kind;
  step.learning_rate = 1e-4f;
  const OptimizerStateSize one_row = optimizer_state_size(kind, 1, dim);
  const std::uint64_t row_bytes = 2 * (dim * element_bytes(type) + one_row.bytes());
  const RowSort sort(Arena(device()), "rows", n);
  const UpdateRows op{.table = table.view(),
                      .sorted = sort.sort(device(), rows.data(), n, n_rows),
                      .gradient = {gradient_view},
                      .step = step};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op));
  measure(state, n * (4ull * dim + 8) + count_distinct(host_rows) * row_bytes, n, [&] {
    device().run(op, {workspace.data(), workspace.size()});
  });
}

}  // namespace

template <>
void register_benchmarks<UpdateRows>() {
  add_benchmark("update_rows", update_rows)
      ->ArgsProduct({{128, 64}, {0, 3, 1, 2}, {0}, {0}})
      ->ArgsProduct({{128}, {0}, {1, 2}, {0}})
      ->ArgsProduct({{256}, {0, 3}, {0}, {0}})
      ->Args({128, 0, 0, 1})
      ->ArgNames({"dim", "optimizer", "type", "skewed"});
}

}  // namespace unfold::bench
