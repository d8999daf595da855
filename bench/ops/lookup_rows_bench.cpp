// Random rows of a table: lookup_rows/dim/type; as vectors of length 1, with dropout and a bias:
// look_up_vectors/dim/type.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void lookup(benchmark::State& state, bool as_vectors) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const std::uint64_t n_rows = by_device(8 << 20, 1 << 20), n = by_device(1 << 20, 1 << 17);
  const Table table(n_rows, dim, type);
  const DeviceArray<Row> rows = upload(uniform_rows(n, n_rows, 1));
  const DeviceArray<float> bias(device(), n_rows), looked_up_bias(device(), n), scale(device(), n);
  const std::uint32_t stride = device().row_stride(dim);
  const DeviceArray<float> out(device(), n * stride);
  LookupRows op{.table = table.weight(), .rows = rows.data(), .n_rows = n, .out = {out.data(), n, dim, stride}};
  if (as_vectors) {
    op.transform = {.dropout = 0.1f, .dropout_key = {1, 1}, .normalize = true};
    op.scale = scale.data();
    op.numbers[0] = {bias.data(), looked_up_bias.data()};
  }
  const std::uint64_t row_bytes = dim * (element_bytes(type) + 4) + 4 + (as_vectors ? 12 : 0);
  measure(state, n * row_bytes, n, [&] { device().run(op); });
}
void lookup_rows(benchmark::State& state) { lookup(state, false); }
void look_up_vectors(benchmark::State& state) { lookup(state, true); }

}  // namespace

template <>
void register_benchmarks<LookupRows>() {
  add_benchmark("lookup_rows", lookup_rows)
      ->ArgsProduct({{128, 64, 32, 100, 256}, {0}})
      ->ArgsProduct({{128, 64}, {1, 2}})
      ->ArgNames({"dim", "type"});
  add_benchmark("look_up_vectors", look_up_vectors)->ArgsProduct({{64, 128}, {0, 2}})->ArgNames({"dim", "type"});
}

}  // namespace unfold::bench
