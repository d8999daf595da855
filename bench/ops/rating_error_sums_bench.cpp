// Sums of errors of many ratings: rating_error_sums.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void rating_error_sums(benchmark::State& state) {
  const std::uint64_t n = by_device(64 << 20, 8 << 20);
  const Table prediction(n, 1), rating(n, 1);
  const DeviceArray<double> sums(device(), 2);
  const RatingErrorSums op{.prediction = static_cast<const float*>(prediction.weight().data),
                           .rating = static_cast<const float*>(rating.weight().data),
                           .n_ratings = n,
                           .sums = sums.data()};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op));
  measure(state, 8 * n, n, [&] { device().run(op, {workspace.data(), workspace.size()}); });
}

}  // namespace

template <>
void register_benchmarks<RatingErrorSums>() {
  add_benchmark("rating_error_sums", rating_error_sums);
}

}  // namespace unfold::bench
