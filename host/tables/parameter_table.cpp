#include "host/tables/parameter_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/tables/table_transfer.hpp"
#include "host/threads/thread_pool.hpp"

namespace unfold {
namespace {

// Rows that one thread draws at a time.
constexpr std::uint64_t kRowsASlice = 256;

// The columns of row `r`, uniform in (-half_width, half_width).
void draw_row(std::uint64_t seed, RandomPurpose purpose, std::uint64_t r, float half_width, std::span<float> columns) {
  for (std::uint32_t k = 0; k < columns.size(); k += 4) {
    const RandomBlock random = random_block(seed, purpose, k, r);
    for (std::uint32_t j = 0; j < 4 && k + j < columns.size(); ++j) {
      columns[k + j] = half_width * (2.0f * uniform_float(random.v[j]) - 1.0f);
    }
  }
}

}  // namespace

ParameterTable::ParameterTable(const Arena& arena, const std::string& name, std::uint64_t rows, std::uint32_t cols,
                               TableType type, OptimizerKind kind) {
  const std::uint32_t stride = arena.backend().row_stride(cols, type);
  take(arena, name, fmt::format("[{}, {}]", rows, cols), {nullptr, rows, cols, stride, type}, kind);
}

ParameterTable ParameterTable::vector(const Arena& arena, const std::string& name, std::uint64_t rows,
                                      OptimizerKind kind) {
  ParameterTable table;
  table.is_vector_ = true;
  table.take(arena, name, fmt::format("[{}]", rows), {nullptr, rows, 1, 1, TableType::kFloat32}, kind);
  return table;
}

void ParameterTable::take(const Arena& arena, const std::string& name, const std::string& shape,
                          const TableView& weight, OptimizerKind kind) {
  const OptimizerStateSize state = optimizer_state_size(kind, weight.rows, weight.stride);
  name_ = name;
  const std::string state_name = name + " optimizer state";
  weight_ = arena.array<std::byte>(fmt::format("{} {} {}", name, shape, table_type_name(weight.type)),
                                   weight.rows * weight.stride * element_bytes(weight.type));
  first_ = arena.array<float>(state_name, state.first);
  second_ = arena.array<float>(state_name, state.second);
  steps_ = arena.array<std::uint32_t>(state_name, state.steps);
  view_ = {weight, first_.data(), second_.data(), steps_.data()};
  view_.weight.data = weight_.data();
}

void ParameterTable::initialize(Backend& backend, std::span<const Row> trained, double init_std, std::uint64_t seed,
                                RandomPurpose purpose) const {
  const TableView& weight = view_.weight;
  std::vector<bool> is_trained(weight.rows);
  for (const Row row : trained) is_trained[row] = true;
  // Uniform in (-half_width, half_width) has standard deviation half_width / sqrt(3).
  const auto half_width = static_cast<float>(init_std * std::sqrt(3.0 / weight.cols));
  const std::uint64_t chunk = std::max<std::uint64_t>(1, (1u << 20) / weight.stride);
  std::vector<float> staging;
  for (std::uint64_t first = 0; first < weight.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, weight.rows - first);
    staging.resize(n * weight.stride);
    parallel_slices(n, kRowsASlice, all_threads(), [&](std::uint64_t begin, std::uint64_t end) {
      for (std::uint64_t r = begin; r < end; ++r) {
        float* row = &staging[r * weight.stride];
        std::fill(row, row + weight.stride, 0.0f);
        if (is_trained[first + r]) draw_row(seed, purpose, first + r, half_width, {row, weight.cols});
      }
    });
    upload_rows(backend, staging, weight, first);
  }
}

Tensor& ParameterTable::download(Backend& backend, TensorSet& tensors) const {
  Tensor& tensor = tensors[name_];
  download_table(backend, view_.weight, tensor);
  if (is_vector_) tensor.shape.pop_back();
  return tensor;
}

}  // namespace unfold
