#include "bench/ops/bench_support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>

#include "unfold/error.hpp"
#include "unfold/random.hpp"
#include "unfold/version.hpp"

namespace unfold::bench {
namespace {

std::unique_ptr<Backend> chosen_device;

// Bytes written between iterations: several times the last-level cache of any device at hand.
constexpr std::uint64_t kFlushBytes = std::uint64_t{256} << 20;

std::unique_ptr<DeviceArray<std::byte>> flush_array;  // goes before its device does

void flush_caches() {
  if (!flush_array) flush_array = std::make_unique<DeviceArray<std::byte>>(device(), kFlushBytes);
  device().fill_zero(flush_array->data(), kFlushBytes);
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
  for (std::uint64_t at = 0; at < bytes; at += chunk) device().copy_to_device(from.data() + at, random.data(), chunk);
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

// The value of "--name=value", taken out of the arguments; else `otherwise`.
std::string take_flag(int& argc, char** argv, std::string_view name, std::string otherwise) {
  int kept = 1;
  for (int k = 1; k < argc; ++k) {
    const std::string_view word = argv[k];
    if (word.starts_with(name)) {
      otherwise = word.substr(name.size());
    } else {
      argv[kept++] = argv[k];
    }
  }
  argc = kept;
  return otherwise;
}

}  // namespace

Backend& device() { return *chosen_device; }
bool is_cuda() { return device().name() == "cuda"; }

double copy_bytes_per_second() {
  static const double rate = measure_copy();
  return rate;
}

void measure(benchmark::State& state, std::uint64_t bytes, std::uint64_t items, const std::function<void()>& op) {
  const auto timer = device().make_timer();
  op();  // loads code and touches memory
  double seconds = 0;
  for (auto _ : state) {
    flush_caches();
    timer->start();
    op();
    timer->stop();
    state.SetIterationTime(timer->seconds());
    seconds += timer->seconds();
  }
  const auto n = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
  state.SetItemsProcessed(static_cast<std::int64_t>(items) * static_cast<std::int64_t>(state.iterations()));
  state.counters["bytes"] = static_cast<double>(bytes);
  if (bytes > 0) {
    state.counters["percent_of_copy"] = 100 * static_cast<double>(bytes) * n / seconds / copy_bytes_per_second();
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
    for (std::uint64_t r = 0; r < rows; r += n_block) {
      device().copy_to_device(weight_.data() + r * row_bytes, block.data(), std::min(n_block, rows - r) * row_bytes);
    }
  });
}

}  // namespace unfold::bench

int main(int argc, char** argv) {
  using namespace unfold;
  using namespace unfold::bench;
  try {
    const std::string name = take_flag(argc, argv, "--device=", "auto");
    const std::string threads = take_flag(argc, argv, "--threads=", "0");
    chosen_device = make_backend(name, static_cast<unsigned>(std::strtoul(threads.c_str(), nullptr, 10)));
    register_benchmarks();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::AddCustomContext("device", device().name() + ": " + device().description());
    benchmark::AddCustomContext("commit", build_info().commit);
    benchmark::AddCustomContext("copy_gb_per_second", fmt::format("{:.1f}", copy_bytes_per_second() / 1e9));
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    flush_array.reset();
    chosen_device.reset();
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.exit_code();
  }
  return 0;
}
