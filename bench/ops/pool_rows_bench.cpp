// Bags of rows: pool_rows/dim/bag forward, pool_rows_gradient/dim/bag backward, weighted sums of `bag` random rows.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

struct Bags {
  explicit Bags(std::uint64_t bag) {
    const std::uint64_t n_bags = by_device(1 << 20, 1 << 17) / bag, n = n_bags * bag;
    std::vector<std::uint64_t> host_offsets(n_bags + 1);
    for (std::uint64_t b = 0; b <= n_bags; ++b) host_offsets[b] = b * bag;
    rows = upload(uniform_rows(n, kRows(), 1));
    offsets = upload(host_offsets);
    weights = upload(std::vector<float>(n, 0.5f));
    view = {rows.data(), offsets.data(), weights.data(), n_bags, n, PoolMode::kSum};
  }
  static std::uint64_t kRows() { return by_device(8 << 20, 1 << 20); }
  DeviceArray<Row> rows;
  DeviceArray<std::uint64_t> offsets;
  DeviceArray<float> weights;
  RowBags view;
};

void pool_rows(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const Bags bags(static_cast<std::uint64_t>(state.range(1)));
  const Table table(Bags::kRows(), dim), out(bags.view.n_bags, dim);
  measure(state, bags.view.n_entries * (4ull * dim + 8) + bags.view.n_bags * (4ull * dim + 8), bags.view.n_entries,
          [&] { device().run(PoolRows{.table = table.weight(), .bags = bags.view, .out = out.weight().as<float>()}); });
}

void pool_rows_gradient(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const Bags bags(static_cast<std::uint64_t>(state.range(1)));
  const std::uint64_t n = bags.view.n_entries;
  const Table table(Bags::kRows(), dim), out(bags.view.n_bags, dim);
  const DeviceArray<Row> bag(device(), n);
  const DeviceArray<float> factor(device(), n), weight_gradient(device(), n);
  measure(state, n * (4ull * dim + 20) + bags.view.n_bags * (4ull * dim + 8), n, [&] {
    device().run(PoolRowsGradient{.bags = bags.view,
                                  .bag = bag.data(),
                                  .factor = factor.data(),
                                  .table = table.weight(),
                                  .out_gradient = out.weight().as<const float>(),
                                  .weight_gradient = weight_gradient.data()});
  });
}

}  // namespace

template <>
void register_benchmarks<PoolRows>() {
  add_benchmark("pool_rows", pool_rows)->ArgsProduct({{64, 128}, {4, 64}})->ArgNames({"dim", "bag"});
}

template <>
void register_benchmarks<PoolRowsGradient>() {
  add_benchmark("pool_rows_gradient", pool_rows_gradient)->ArgsProduct({{64, 128}, {4, 64}})->ArgNames({"dim", "bag"});
}

}  // namespace unfold::bench
