// A trainable table: weights, optimizer state, and how both begin.
#pragma once

#include <cstdint>
#include <span>

#include "unfold/backend.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/random.hpp"

namespace unfold {

class ParameterTable {
 public:
  ParameterTable() = default;
  ParameterTable(Backend& backend, std::uint64_t rows, std::uint32_t cols, std::uint32_t stride, TableType type,
                 OptimizerKind kind);

  const ParameterView& view() const { return view_; }

  // Rows uniform with standard deviation init_std / sqrt(cols), rounded to the nearest element, the same on every
  // backend; rows that do not occur in `trained` stay zero.
  void initialize(Backend& backend, std::span<const Row> trained, double init_std, std::uint64_t seed,
                  RandomPurpose purpose) const;

 private:
  DeviceArray<std::byte> weight_;
  DeviceArray<float> first_, second_;
  DeviceArray<std::uint32_t> steps_;
  ParameterView view_;
};

// The rounding keys of a step's two tables.
struct RoundingKeys {
  std::uint64_t user, item;
};
RoundingKeys rounding_keys(std::uint64_t seed, std::uint64_t step_number);

}  // namespace unfold
