// Random rows of a table: lookup_rows/dim/type.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void lookup_rows(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const std::uint64_t n_rows = by_device(8 << 20, 1 << 20), n = by_device(1 << 20, 1 << 17);
  const Table table(n_rows, dim, type);
  const DeviceArray<Row> rows = upload(uniform_rows(n, n_rows, 1));
  const std::uint32_t stride = device().row_stride(dim);
  const DeviceArray<float> out(device(), n * stride);
  measure(state, n * (dim * (element_bytes(type) + 4) + 4), n, [&] {
    device().run(
        LookupRows{.table = table.weight(), .rows = rows.data(), .n_rows = n, .out = {out.data(), n, dim, stride}});
  });
}

}  // namespace

template <>
void register_benchmarks<LookupRows>() {
  add_benchmark("lookup_rows", lookup_rows)
      ->ArgsProduct({{128, 64, 32, 100, 256}, {0}})
      ->ArgsProduct({{128, 64}, {1, 2}})
      ->ArgNames({"dim", "type"});
}

}  // namespace unfold::bench
