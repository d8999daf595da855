#include "host/tables/parameter_table.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/tables/table_transfer.hpp"

namespace unfold {

ParameterTable::ParameterTable(Backend& backend, std::uint64_t rows, std::uint32_t cols, std::uint32_t stride,
                               TableType type, OptimizerKind kind)
    : weight_(backend, rows * stride * element_bytes(type)) {
  const OptimizerStateSize state = optimizer_state_size(kind, rows, stride);
  first_ = DeviceArray<float>(backend, state.first);
  second_ = DeviceArray<float>(backend, state.second);
  steps_ = DeviceArray<std::uint32_t>(backend, state.steps);
  view_ = {{weight_.data(), rows, cols, stride, type}, first_.data(), second_.data(), steps_.data()};
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
#pragma omp parallel for schedule(static)
    for (std::uint64_t r = 0; r < n; ++r) {
      float* row = &staging[r * weight.stride];
      std::fill(row, row + weight.stride, 0.0f);
      if (!is_trained[first + r]) continue;
      for (std::uint32_t k = 0; k < weight.cols; k += 4) {
        const RandomBlock random = random_block(seed, purpose, k, first + r);
        for (std::uint32_t j = 0; j < 4 && k + j < weight.cols; ++j) {
          row[k + j] = half_width * (2.0f * uniform_float(random.v[j]) - 1.0f);
        }
      }
    }
    upload_rows(backend, staging, weight, first);
  }
}

RoundingKeys rounding_keys(std::uint64_t seed, std::uint64_t step_number) {
  const RandomBlock random = random_block(seed, RandomPurpose::kRounding, 0, step_number);
  return {std::uint64_t{random.v[1]} << 32 | random.v[0], std::uint64_t{random.v[3]} << 32 | random.v[2]};
}

}  // namespace unfold
