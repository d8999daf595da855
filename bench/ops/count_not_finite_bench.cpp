// A table without infinities and NaN: count_not_finite/dim/type.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void count_not_finite(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const Table table(by_device(4 << 20, 1 << 19), dim, table_type(state.range(1)));
  const DeviceArray<std::uint64_t> count(device(), 1);
  const CountNotFinite op{.table = table.weight(), .count = count.data()};
  measure(state, table.weight().bytes(), table.weight().rows, [&] { device().run(op); });
}

}  // namespace

template <>
void register_benchmarks<CountNotFinite>() {
  add_benchmark("count_not_finite", count_not_finite)->Args({128, 0})->Args({128, 2})->ArgNames({"dim", "type"});
}

}  // namespace unfold::bench
