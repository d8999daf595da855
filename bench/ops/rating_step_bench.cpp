// The fast update of mf on the CPU, beside the copy bandwidth of the same machine in the same run.
//   rating_step/TYPE/DIM/THREADS   items_per_second: ratings; bytes_per_second: what the op must move (unfold/backend.hpp)
// Ratings and rows are random, as skewed as real ones, and the tables are larger than the second-level cache.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstring>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kUsers = 138000, kItems = 27000;
constexpr std::uint64_t kBatch = 262144;

// A row with density ~ row^-0.5, so that the first rows are the popular ones.
Row popular_row(std::uint32_t bits, std::uint32_t n_rows) {
  const float u = uniform_float(bits);
  return static_cast<Row>(u * u * static_cast<float>(n_rows - 1));
}

template <typename Element>
void rating_step(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto backend = make_cpu_backend(static_cast<unsigned>(state.range(1)));
  const std::uint32_t stride = backend->row_stride(dim, kTableTypeOf<Element>);
  const DeviceArray<Element> users(*backend, std::uint64_t{kUsers} * stride);
  const DeviceArray<Element> items(*backend, std::uint64_t{kItems} * stride);
  const DeviceArray<float> user_bias(*backend, kUsers), item_bias(*backend, kItems);
  const auto small = [](std::uint64_t key, std::uint64_t k) {
    return round_nearest<Element>(0.01f * uniform_float(philox(key, k, 0).v[0]));
  };
  for (std::uint64_t k = 0; k < users.size(); ++k) users.data()[k] = small(1, k);
  for (std::uint64_t k = 0; k < items.size(); ++k) items.data()[k] = small(2, k);
  std::vector<Row> batch_users(kBatch), batch_items(kBatch);
  std::vector<float> ratings(kBatch);
  for (std::uint64_t n = 0; n < kBatch; ++n) {
    const RandomBlock random = philox(3, n, 0);
    batch_users[n] = popular_row(random.v[0], kUsers);
    batch_items[n] = popular_row(random.v[1], kItems);
    ratings[n] = 5 * uniform_float(random.v[2]);
  }
  const MfParameters parameters{{MatrixView<Element>{users.data(), kUsers, dim, stride}, nullptr, nullptr, nullptr},
                                {MatrixView<Element>{items.data(), kItems, dim, stride}, nullptr, nullptr, nullptr},
                                {MatrixView<float>{user_bias.data(), kUsers, 1, 1}, nullptr, nullptr, nullptr},
                                {MatrixView<float>{item_bias.data(), kItems, 1, 1}, nullptr, nullptr, nullptr}};
  const DeviceArray<std::byte> workspace(*backend, backend->rating_step_workspace_bytes(kBatch));
  RatingLoss loss;
  loss.mean = 2.5f;
  loss.l2 = loss.l2_bias = 0.02f;
  OptimizerStep step;
  step.kind = OptimizerKind::kSgd;
  step.learning_rate = 0.01f;
  double error = 0;
  for (auto _ : state) {
    backend->rating_step(parameters, {batch_users.data(), batch_items.data(), ratings.data(), kBatch}, loss, step,
                         &error, {workspace.data(), workspace.size()});
    ++step.rounding_key;
  }
  benchmark::DoNotOptimize(error);
  const auto n_ratings = static_cast<std::int64_t>(kBatch) * static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(n_ratings);
  state.SetBytesProcessed(n_ratings * static_cast<std::int64_t>(2 * 2 * (sizeof(Element) * dim + 4) + 12));
}
#define UNFOLD_BENCH_TYPE(Element)                     \
  BENCHMARK(rating_step<Element>)                      \
      ->ArgsProduct({{32, 64, 128}, {1, 2}})           \
      ->ArgNames({"dim", "threads"})                   \
      ->UseRealTime()
UNFOLD_BENCH_TYPE(float);
UNFOLD_BENCH_TYPE(Float16);
UNFOLD_BENCH_TYPE(Bfloat16);

// Bytes read and written by copies between arrays far larger than the caches, on as many threads.
void copy(benchmark::State& state) {
  constexpr std::uint64_t kBytes = std::uint64_t{1} << 30;
  const int threads = static_cast<int>(state.range(0));
  std::vector<char> from(kBytes, 1), to(kBytes);
  for (auto _ : state) {
#pragma omp parallel num_threads(threads)
    {
      const auto part = static_cast<std::uint64_t>(omp_get_thread_num());
      const auto parts = static_cast<std::uint64_t>(omp_get_num_threads());
      const std::uint64_t first = kBytes * part / parts;
      std::memcpy(&to[first], &from[first], kBytes * (part + 1) / parts - first);
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(2 * kBytes) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(copy)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();

}  // namespace
}  // namespace unfold

BENCHMARK_MAIN();
