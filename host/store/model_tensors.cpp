#include "host/store/model_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>

#include "host/text/utf8.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

void require_size(const char* what, std::uint64_t size, std::uint64_t expected) {
  if (size != expected) {
    throw std::logic_error(fmt::format("model: {} has {} elements, not {}", what, size, expected));
  }
}

Tensor read_tensor(const SafetensorsFile& file, const std::string& name, std::vector<std::uint64_t> shape) {
  const std::span<const float> values = file.tensor<float>(name, shape);
  return {std::move(shape), {values.begin(), values.end()}};
}

// The first place of a number that is not finite, or values.size().
std::size_t first_not_finite(std::span<const float> values) {
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    const std::span<const float> block = values.subspan(first, std::min(kBlock, values.size() - first));
    // Infinities and NaN alone have this exponent. Without a branch a value, so that the compiler uses vectors.
    constexpr std::uint32_t kExponent = 0x7F800000;
    std::uint32_t n_found = 0;
    for (const float value : block) n_found += (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
    if (n_found == 0) continue;
    const auto found = std::ranges::find_if_not(block, [](float value) { return std::isfinite(value); });
    return first + static_cast<std::size_t>(found - block.begin());
  }
  return values.size();
}

}  // namespace

std::vector<TensorView> model_tensors(const Model& model) {
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : model.tensors) views.push_back(tensor_view<float>(name, tensor.data, tensor.shape));
  return views;
}

TensorSet read_tensors(const SafetensorsFile& file) {
  TensorSet tensors;
  for (const std::string& name : file.names()) {
    const std::span<const std::uint64_t> shape = file.shape(name);
    tensors[name] = read_tensor(file, name, {shape.begin(), shape.end()});
  }
  return tensors;
}

TensorSet read_version_1_tensors(const SafetensorsFile& file, std::uint64_t n_users, std::uint64_t n_items,
                                 std::uint64_t dim) {
  TensorSet tensors;
  const auto read = [&](const char* name, std::vector<std::uint64_t> shape) {
    tensors[name] = read_tensor(file, name, std::move(shape));
  };
  read("user.embedding", {n_users, dim});
  read("item.embedding", {n_items, dim});
  read("user.bias", {n_users});
  read("item.bias", {n_items});
  read("global.bias", {1});
  return tensors;
}

void check_shapes(const Model& model) {
  require_size("seen.offsets", model.seen.offsets.size(), model.user_ids.size() + std::uint64_t{1});
  require_size("seen.item_mean_rating", model.seen.item_mean_rating.size(), model.item_ids.size());
  for (const auto& [name, tensor] : model.tensors) {
    if (!is_utf8(name)) throw std::logic_error("model: a tensor's name is not UTF-8");
    if (tensor.data.size() == n_elements(tensor.shape) && name != "__metadata__") continue;
    throw std::logic_error(fmt::format("model: tensor \"{}\" of shape {} has {} elements", name,
                                       shape_text(tensor.shape), tensor.data.size()));
  }
}

std::string tensor_not_finite(const Model& model) {
  for (const auto& [name, tensor] : model.tensors) {
    const std::size_t place = first_not_finite(tensor.data);
    if (place < tensor.data.size()) {
      return fmt::format("{} (number {} of it is {})", name, place + 1, tensor.data[place]);
    }
  }
  return {};
}

void fail_not_finite(const std::filesystem::path& path, const std::string& what) {
  throw DataError(
      fmt::format("{}: {}, and a model's numbers are finite; it is damaged, or its training went wrong; train again",
                  path.string(), what));
}

}  // namespace unfold
