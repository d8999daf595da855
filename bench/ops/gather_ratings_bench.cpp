// Batches of resident ratings, in random order of blocks: gather_ratings/batch/block.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void gather_ratings(benchmark::State& state) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  const auto block_size = static_cast<std::uint32_t>(state.range(1));
  const std::uint64_t n_blocks = by_device(64 << 20, 16 << 20) / block_size, n_all = n_blocks * block_size;
  const DeviceArray<Row> users(device(), n_all), items(device(), n_all), out_users(device(), n), out_items(device(), n);
  const DeviceArray<float> ratings(device(), n_all), out_ratings(device(), n);
  // Blocks far apart from each other.
  const DeviceArray<Row> order = upload(uniform_rows(n_blocks, n_blocks, 1));
  const GatherRatings op{.all = {users.data(), items.data(), ratings.data(), n_all},
                         .block_order = order.data(),
                         .block_size = block_size,
                         .first = n_all - n,
                         .n_ratings = n,
                         .out = {out_users.data(), out_items.data(), out_ratings.data()}};
  measure(state, 24 * n + 4 * (n / block_size), n, [&] { device().run(op); });
}

}  // namespace

// Blocks as an epoch has them of 20, 100 and 1 million ratings; the largest batch of model mf, and one of softmax.
template <>
void register_benchmarks<GatherRatings>() {
  add_benchmark("gather_ratings", gather_ratings)
      ->ArgsProduct({{262144}, {305, 1525, 16}})
      ->Args({1 << 22, 1525})
      ->Args({1024, 305})
      ->ArgNames({"batch", "block"});
}

}  // namespace unfold::bench
