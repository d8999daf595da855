#include "unfold/tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "unfold/error.hpp"

namespace unfold {

std::uint64_t n_elements(std::span<const std::uint64_t> shape) {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) {
    if (__builtin_mul_overflow(product, extent, &product)) {
      throw std::length_error(fmt::format("a tensor of shape {} has too many elements", shape_text(shape)));
    }
  }
  return product;
}

std::string shape_text(std::span<const std::uint64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor Tensor::zeros(std::vector<std::uint64_t> shape) {
  const std::uint64_t n = n_elements(shape);
  return {std::move(shape), std::vector<float>(n)};
}

std::uint64_t Tensor::cols() const { return shape.empty() ? 1 : n_elements(std::span(shape).subspan(1)); }

const Tensor* TensorSet::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  return found == tensors_.end() ? nullptr : &found->tensor;
}

std::string TensorSet::why_missing(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const NamedTensor& tensor : tensors_) names.push_back(tensor.name);
  if (names.empty()) return fmt::format("there is no tensor \"{}\", and no other", name);
  return fmt::format("there is no tensor \"{}\", but {}", name, fmt::join(names, ", "));
}

const Tensor& TensorSet::at(std::string_view name) const {
  if (const Tensor* const found = find(name)) return *found;
  throw DataError(why_missing(name));
}

Tensor& TensorSet::at(std::string_view name) { return const_cast<Tensor&>(std::as_const(*this).at(name)); }

Tensor& TensorSet::operator[](std::string_view name) {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  if (found != tensors_.end()) return found->tensor;
  return tensors_.emplace_back(NamedTensor{std::string(name), {}}).tensor;
}

}  // namespace unfold
