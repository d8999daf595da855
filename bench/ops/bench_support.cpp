#include "bench/ops/bench_support.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "host/threads/thread_pool.hpp"
#include "unfold/random.hpp"

namespace unfold::bench {
namespace {

std::unique_ptr<Backend> chosen_device;
int n_threads = 1;

// Rounds of one case: enough for a median, and an end to cases that are slow or cheap.
constexpr std::size_t kLeastRounds = 5, kMostRounds = 200;
constexpr double kEnoughSeconds = 0.1, kMostWallSeconds = 2;

// Bytes written between rounds: several times the last-level cache of any device at hand.
constexpr std::uint64_t kFlushBytes = std::uint64_t{256} << 20;

std::unique_ptr<DeviceArray<std::byte>> flush_array;  // goes before its device does

void flush_caches() {
  if (!flush_array) flush_array = std::make_unique<DeviceArray<std::byte>>(device(), kFlushBytes);
  device().fill_zero(flush_array->data(), kFlushBytes);
}

// Fills `to` with its own first `filled` bytes, again and again, where the device does the work.
void repeat_on_device(std::byte* to, std::uint64_t filled, std::uint64_t bytes) {
  while (filled < bytes) {
    const std::uint64_t next = std::min(filled, bytes - filled);
    device().copy_on_device(to + filled, to, next);
    filled += next;
  }
}

double measure_copy() {
  const std::uint64_t bytes = by_device(std::uint64_t{4} << 30, std::uint64_t{512} << 20);
  const DeviceArray<std::byte> from(device(), bytes), to(device(), bytes);
  // Random content: zeros may move faster.
  std::vector<std::uint32_t> random(std::uint64_t{1} << 22);
  for (std::uint64_t k = 0; k < random.size(); k += 4) {
    const RandomBlock block = philox(7, k, 0);
    std::copy(block.v, block.v + 4, &random[k]);
  }
  const std::uint64_t chunk = random.size() * sizeof(std::uint32_t);
  device().copy_to_device(from.data(), random.data(), chunk);
  repeat_on_device(from.data(), chunk, bytes);
  const auto timer = device().make_timer();
  double best = 1e30;
  for (int round = 0; round < 8; ++round) {
    timer->start();
    device().copy_on_device(to.data(), from.data(), bytes);
    timer->stop();
    if (round > 0) best = std::min(best, timer->seconds());  // the first touches the pages
  }
  return 2.0 * static_cast<double>(bytes) / best;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

// Seconds of each round, ascending.
std::vector<double> time_rounds(const std::function<void()>& op) {
  const auto timer = device().make_timer();
  op();  // loads code and touches memory
  std::vector<double> seconds;
  double total = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto wall = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  while (seconds.size() < kLeastRounds ||
         (seconds.size() < kMostRounds && total < kEnoughSeconds && wall() < kMostWallSeconds)) {
    flush_caches();
    timer->start();
    op();
    timer->stop();
    seconds.push_back(timer->seconds());
    total += seconds.back();
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

}  // namespace

Backend& device() { return *chosen_device; }
bool is_cuda() { return device().name() == "cuda"; }
int threads() { return n_threads; }
void choose_device(const std::string& name, unsigned threads) {
  chosen_device = make_backend(name, threads);
  n_threads = threads == 0 ? all_threads() : static_cast<int>(threads);
}
void release_device() {
  flush_array.reset();
  chosen_device.reset();
}

double copy_bytes_per_second() {
  static const double rate = measure_copy();
  return rate;
}

benchmark::internal::Benchmark* add_benchmark(const char* name, void (*run)(benchmark::State&)) {
  return benchmark::RegisterBenchmark(name, run)->Iterations(1)->UseManualTime();
}

void measure(benchmark::State& state, std::uint64_t bytes, std::uint64_t items, const std::function<void()>& op) {
  const std::vector<double> seconds = time_rounds(op);
  const double median = quantile(seconds, 0.5);
  for (auto _ : state) state.SetIterationTime(median);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["rounds"] = static_cast<double>(seconds.size());
  state.counters["spread"] = (quantile(seconds, 0.75) - quantile(seconds, 0.25)) / median;
  if (bytes > 0) {
    state.counters["percent_of_copy"] = 100 * static_cast<double>(bytes) / median / copy_bytes_per_second();
  }
}

std::vector<Row> uniform_rows(std::uint64_t n, std::uint64_t n_rows, std::uint64_t seed) {
  std::vector<Row> rows(n);
  for (std::uint64_t k = 0; k < n; ++k) {
    const RandomBlock random = philox(seed, k, 0);
    rows[k] = static_cast<Row>(uniform_below(random.v[0], random.v[1], n_rows));
  }
  return rows;
}

std::vector<Row> popular_rows(std::uint64_t n, std::uint64_t n_rows, std::uint64_t seed) {
  std::vector<Row> rows(n);
  for (std::uint64_t k = 0; k < n; ++k) {
    const double u = uniform_double(philox(seed, k, 0).v[0], 0);
    rows[k] = static_cast<Row>(u * u * static_cast<double>(n_rows));
  }
  return rows;
}

std::uint64_t count_distinct(std::vector<Row> rows) {
  std::sort(rows.begin(), rows.end());
  return static_cast<std::uint64_t>(std::unique(rows.begin(), rows.end()) - rows.begin());
}

KnownItems::KnownItems(std::uint64_t n_lists, std::uint64_t size, std::uint64_t n_items) : host_offsets{0} {
  host_ids.reserve(n_lists * size);
  for (std::uint64_t list = 0; list < n_lists; ++list) {
    for (std::uint64_t k = 0; k < size; ++k) {
      // One of each of `size` equal slices of the density, so that a list comes out in order.
      const double u = (static_cast<double>(k) + uniform_float(philox(10, list, k).v[0])) / static_cast<double>(size);
      const auto item = static_cast<Row>(u * u * static_cast<double>(n_items));
      if (host_ids.size() == host_offsets.back() || host_ids.back() != item) host_ids.push_back(item);
    }
    host_offsets.push_back(host_ids.size());
  }
  offsets = upload(host_offsets);
  ids = upload(host_ids);
}

Table::Table(std::uint64_t rows, std::uint32_t dim, TableType type, OptimizerKind kind, float scale) {
  const std::uint32_t stride = device().row_stride(dim, type);
  const std::uint64_t row_bytes = stride * element_bytes(type);
  weight_ = DeviceArray<std::byte>(device(), rows * row_bytes);
  const OptimizerStateSize state = optimizer_state_size(kind, rows, stride);
  first_ = DeviceArray<float>(device(), state.first);
  second_ = DeviceArray<float>(device(), state.second);
  steps_ = DeviceArray<std::uint32_t>(device(), state.steps);
  view_ = {{weight_.data(), rows, dim, stride, type}, first_.data(), second_.data(), steps_.data()};
  with_element(type, [&]<typename Element>() {
    // A block of random rows, again and again.
    const std::uint64_t n_block = std::min<std::uint64_t>(rows, 4096);
    std::vector<Element> block(n_block * stride);
    for (std::uint64_t r = 0; r < n_block; ++r) {
      for (std::uint32_t c = 0; c < dim; ++c) {
        const float uniform = uniform_float(philox(5, r, c).v[0]);
        block[r * stride + c] = round_nearest<Element>(scale * (2 * uniform - 1));
      }
    }
    if (n_block == 0) return;
    device().copy_to_device(weight_.data(), block.data(), n_block * row_bytes);
    repeat_on_device(weight_.data(), n_block * row_bytes, rows * row_bytes);
  });
}

}  // namespace unfold::bench
