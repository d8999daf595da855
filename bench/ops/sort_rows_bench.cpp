// A batch's rows in order: sort_rows/rows/skewed.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "host/tables/row_sort.hpp"

namespace unfold::bench {
namespace {

void sort_rows(benchmark::State& state) {
  const std::uint64_t n_rows = by_device(4 << 20, 1 << 19), n = static_cast<std::uint64_t>(state.range(0));
  const DeviceArray<Row> rows = upload(state.range(1) != 0 ? popular_rows(n, n_rows, 1) : uniform_rows(n, n_rows, 1));
  const RowSort sort(Arena(device()), "rows", n);
  const SortRows op{
      .rows = rows.data(), .n_rows = n, .n_table_rows = n_rows, .sorted = sort.sort(device(), rows.data(), n, n_rows)};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op));
  measure(state, 16 * n, n, [&] { device().run(op, {workspace.data(), workspace.size()}); });
}

}  // namespace

template <>
void register_benchmarks<SortRows>() {
  add_benchmark("sort_rows", sort_rows)->ArgsProduct({{1536, 4096, 1 << 17}, {0, 1}})->ArgNames({"rows", "skewed"});
}

}  // namespace unfold::bench
