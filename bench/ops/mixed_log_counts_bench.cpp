// Expected counts of a batch's mixed negatives: mixed_log_counts/given, half of the rows given and half drawn.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

constexpr std::uint64_t kCountedItems = 1000000;

void mixed_log_counts(benchmark::State& state) {
  const auto n_given = static_cast<std::uint64_t>(state.range(0)), n = 2 * n_given;
  const DeviceArray<Row> rows = upload(popular_rows(n, kCountedItems, 1));
  const DeviceArray<std::uint32_t> times(device(), kCountedItems);
  const DeviceArray<float> log_count(device(), n);
  const MixedLogCounts op{.given = rows.data(),
                          .n_given = n_given,
                          .rows = rows.data(),
                          .n_rows = n,
                          .expected_draws = static_cast<float>(n_given) / static_cast<float>(kCountedItems),
                          .times = times.data(),
                          .log_count = log_count.data()};
  measure(state, 20 * n_given + 12 * n, n, [&] { device().run(op); });
}

}  // namespace

template <>
void register_benchmarks<MixedLogCounts>() {
  add_benchmark("mixed_log_counts", mixed_log_counts)->Arg(1024)->Arg(65536)->ArgName("given");
}

}  // namespace unfold::bench
