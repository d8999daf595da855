// What the benchmarks of ops share: the device under test, its copy bandwidth measured in the same run, random inputs
// well beyond its caches, and the timing of one op.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "unfold/backend.hpp"

namespace unfold::bench {

// The device under test.
Backend& device();
bool is_cuda();
int threads();  // of the CPU
void choose_device(const std::string& name, unsigned threads);
void release_device();

// Rows of the tables: `cuda` on a GPU, `cpu` elsewhere, so that a table passes the last-level cache of either many
// times over.
inline std::uint64_t by_device(std::uint64_t cuda, std::uint64_t cpu) { return is_cuda() ? cuda : cpu; }
inline std::uint64_t large_catalogue() { return by_device(4 << 20, 1 << 19); }

// Bytes read plus bytes written a second by a plain copy of an array far larger than the caches: the best of several.
double copy_bytes_per_second();

// Registers a benchmark that sets its case up once and then calls measure() once, which repeats the op.
benchmark::internal::Benchmark* add_benchmark(const char* name, void (*run)(benchmark::State&));

// Times `op` with cold caches on the device, some 5 to 200 times; real_time is the median. `bytes`: what the op must
// move. Reports bytes_per_second, percent_of_copy, items_per_second for `items` an op, rounds, and spread, the
// interquartile range as a share of the median.
void measure(benchmark::State& state, std::uint64_t bytes, std::uint64_t items, const std::function<void()>& op);

// Uniform random rows, and rows of density ~ row^-0.5, the first the most popular.
std::vector<Row> uniform_rows(std::uint64_t n, std::uint64_t n_rows, std::uint64_t seed);
std::vector<Row> popular_rows(std::uint64_t n, std::uint64_t n_rows, std::uint64_t seed);
std::uint64_t count_distinct(std::vector<Row> rows);

// `host` in the device's memory.
template <typename T>
DeviceArray<T> upload(const std::vector<T>& host) {
  DeviceArray<T> array(device(), host.size());
  array.upload(host);
  return array;
}

// A table of random numbers in (-scale, scale), of any element type, and its optimizer state.
class Table {
 public:
  Table(std::uint64_t rows, std::uint32_t dim, TableType type = TableType::kFloat32,
        OptimizerKind kind = OptimizerKind::kSgd, float scale = 0.1f);
  const ParameterView& view() const { return view_; }
  const TableView& weight() const { return view_.weight; }

 private:
  DeviceArray<std::byte> weight_;
  DeviceArray<float> first_, second_;
  DeviceArray<std::uint32_t> steps_;
  ParameterView view_;
};

// Lists of about `size` known items, distinct and ascending, of density ~ item^-0.5.
struct KnownItems {
  KnownItems(std::uint64_t n_lists, std::uint64_t size, std::uint64_t n_items);
  std::vector<std::uint64_t> host_offsets;
  std::vector<Row> host_ids;
  DeviceArray<std::uint64_t> offsets;
  DeviceArray<Row> ids;
};

// The names of arguments: type 0 is float32, 1 float16, 2 bfloat16.
inline TableType table_type(std::int64_t argument) { return static_cast<TableType>(argument); }

}  // namespace unfold::bench
