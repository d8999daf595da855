// The fast sparse update: update_rows_atomic/dim/optimizer/skewed, float32. Optimizers as in update_rows_bench.cpp.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void update_rows_atomic(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto kind = static_cast<OptimizerKind>(state.range(1));
  const std::uint64_t n_rows = by_device(4 << 20, 1 << 19), n = by_device(1 << 20, 1 << 17);
  const Table table(n_rows, dim, TableType::kFloat32, kind);
  const std::vector<Row> host_rows = state.range(2) != 0 ? popular_rows(n, n_rows, 1) : uniform_rows(n, n_rows, 1);
  const DeviceArray<Row> rows = upload(host_rows);
  const Table gradient(n, dim, TableType::kFloat32, OptimizerKind::kSgd, 0.01f);
  OptimizerStep step;
  step.kind = kind;
  step.learning_rate = 1e-4f;
  const std::uint64_t row_bytes = 2 * (4ull * dim + optimizer_state_size(kind, 1, dim).bytes());
  measure(state, n * (4ull * dim + 4 + row_bytes), n, [&] {
    device().update_rows_atomic(table.view(), rows.data(), n, gradient.weight().as<const float>(), step);
  });
}

}  // namespace

void register_update_rows_atomic() {
  add_benchmark("update_rows_atomic", update_rows_atomic)
      ->ArgsProduct({{128}, {0, 1, 2, 3}, {0}})
      ->ArgsProduct({{64, 128, 256}, {0}, {1}})
      ->ArgNames({"dim", "optimizer", "skewed"});
}

}  // namespace unfold::bench
