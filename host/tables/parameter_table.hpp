// A trainable table: weights, optimizer state, and how both begin.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "host/tables/arena.hpp"
#include "unfold/backend.hpp"
#include "unfold/random.hpp"
#include "unfold/tensors.hpp"

namespace unfold {

class ParameterTable {
 public:
  ParameterTable() = default;
  // [rows, cols] with the backend's stride. `name` as in model files: "user.embedding".
  ParameterTable(const Arena& arena, const std::string& name, std::uint64_t rows, std::uint32_t cols, TableType type,
                 OptimizerKind kind);
  // [rows] of float32, as a matrix of one column and stride 1.
  static ParameterTable vector(const Arena& arena, const std::string& name, std::uint64_t rows, OptimizerKind kind);

  const ParameterView& view() const { return view_; }
  // Of the weights in host memory, where they are float32 and not padded.
  std::uint64_t host_bytes() const { return sizeof(float) * view_.weight.rows * view_.weight.cols; }

  // Rows uniform with standard deviation init_std / sqrt(cols), rounded to the nearest element, the same on every
  // backend; rows that do not occur in `trained` stay zero.
  void initialize(Backend& backend, std::span<const Row> trained, double init_std, std::uint64_t seed,
                  RandomPurpose purpose) const;
  // Copies the weights, as float32, to the tensor of the table's name: [rows, cols], or [rows] of a vector.
  Tensor& download(Backend& backend, TensorSet& tensors) const;

 private:
  void take(const Arena& arena, const std::string& name, const std::string& shape, const TableView& weight,
            OptimizerKind kind);

  std::string name_;
  bool is_vector_ = false;
  DeviceArray<std::byte> weight_;
  DeviceArray<float> first_, second_;
  DeviceArray<std::uint32_t> steps_;
  ParameterView view_;
};

}  // namespace unfold
