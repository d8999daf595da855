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

// --device and --threads of the command line.
Backend& device();
bool is_cuda();

// Rows of the tables: `cuda` on a GPU, `cpu` elsewhere, so that a table passes the last-level cache of either many
// times over.
inline std::uint64_t by_device(std::uint64_t cuda, std::uint64_t cpu) { return is_cuda() ? cuda : cpu; }

// Bytes read plus bytes written a second by a plain copy of an array far larger than the caches: the best of several.
double copy_bytes_per_second();

// Runs `op` once for each iteration of `state` with cold caches, timed on the device. `bytes`: what the op must move.
// Reports bytes_per_second, percent_of_copy, and items_per_second for `items` an iteration.
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

// The names of arguments: type 0 is float32, 1 float16, 2 bfloat16.
inline TableType table_type(std::int64_t argument) { return static_cast<TableType>(argument); }

// Registers benchmarks once the device is known; called by main.
void register_benchmarks();

}  // namespace unfold::bench
