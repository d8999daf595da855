// The best items of queries: top_k/dim/items/k. items_per_second counts scores, of 2 * dim floating point operations.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void top_k(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n_items = static_cast<std::uint64_t>(state.range(1));
  const auto k = static_cast<std::uint32_t>(state.range(2));
  const std::uint64_t n_queries = by_device(8192, 1024);
  const Table queries(n_queries, dim), items(n_items, dim);
  const DeviceArray<Row> out_items(device(), n_queries * k);
  const DeviceArray<float> out_scores(device(), n_queries * k);
  const TopK op{.queries = queries.weight().as<const float>(),
                .items = items.weight().as<const float>(),
                .k = k,
                .out_items = out_items.data(),
                .out_scores = out_scores.data()};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op) + (std::uint64_t{64} << 20));
  measure(state, 0, n_queries * n_items, [&] { device().run(op, {workspace.data(), workspace.size()}); });
}

}  // namespace

template <>
void register_benchmarks<TopK>() {
  add_benchmark("top_k", top_k)
      ->ArgsProduct({{64, 128}, {40000, 1000000}, {100}})
      ->Args({64, 1000000, 10})
      ->ArgNames({"dim", "items", "k"});
}

}  // namespace unfold::bench
