// Named arrays in host memory: what a model is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unfold {

// float32, as all parameters are on the disk; an array of another type would be a member beside `data`.
struct Tensor {
  std::vector<std::uint64_t> shape;  // empty: one number
  std::vector<float> data;           // row-major, without padding; as many as the product of `shape`

  static Tensor zeros(std::vector<std::uint64_t> shape);

  // As a matrix: the first extent, and the numbers that each of its places has. 1 where there is no such extent.
  std::uint64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  std::uint64_t cols() const;
  std::span<const float> row(std::uint64_t r) const { return {data.data() + r * cols(), cols()}; }
  bool operator==(const Tensor&) const = default;
};

// The product of the extents. Throws std::length_error where it passes 64 bits.
std::uint64_t n_elements(std::span<const std::uint64_t> shape);
// "[5, 3]"
std::string shape_text(std::span<const std::uint64_t> shape);

struct NamedTensor {
  std::string name;  // as in files: "item.embedding"
  Tensor tensor;
  bool operator==(const NamedTensor&) const = default;
};

// In the order in which they were added, which is that of the file. References stay valid while others are added.
class TensorSet {
 public:
  const Tensor* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // Throw DataError, which says what there is instead.
  const Tensor& at(std::string_view name) const;
  Tensor& at(std::string_view name);
  // `there is no tensor "item.embedding", but a, b`
  std::string why_missing(std::string_view name) const;
  // Adds an empty one where there is none.
  Tensor& operator[](std::string_view name);

  std::size_t size() const { return tensors_.size(); }
  auto begin() const { return tensors_.begin(); }
  auto end() const { return tensors_.end(); }
  bool operator==(const TensorSet&) const = default;

 private:
  std::deque<NamedTensor> tensors_;
};

}  // namespace unfold
