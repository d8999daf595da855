#include "host/store/model_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>

namespace unfold {
namespace {

void require_size(const char* what, std::uint64_t size, std::uint64_t expected) {
  if (size != expected) {
    throw std::logic_error(fmt::format("model: {} has {} elements, not {}", what, size, expected));
  }
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
  const auto view = [](const char* name, const std::vector<float>& data, std::vector<std::uint64_t> shape) {
    return tensor_view<float>(name, data, std::move(shape));
  };
  const HostMatrix& users = model.user_embedding;
  const HostMatrix& items = model.item_embedding;
  return {view("user.embedding", users.data, {users.rows, users.cols}),
          view("item.embedding", items.data, {items.rows, items.cols}),
          view("user.bias", model.user_bias, {users.rows}), view("item.bias", model.item_bias, {items.rows}),
          tensor_view<float>("global.bias", {&model.global_bias, 1}, {1})};
}

void check_shapes(const Model& model) {
  const std::uint64_t n_users = model.user_embedding.rows;
  const std::uint64_t n_items = model.item_embedding.rows;
  require_size("dim of items", model.item_embedding.cols, model.user_embedding.cols);
  require_size("user_embedding", model.user_embedding.data.size(), n_users * model.user_embedding.cols);
  require_size("item_embedding", model.item_embedding.data.size(), n_items * model.item_embedding.cols);
  require_size("user_bias", model.user_bias.size(), n_users);
  require_size("item_bias", model.item_bias.size(), n_items);
  require_size("user_ids", model.user_ids.size(), n_users);
  require_size("item_ids", model.item_ids.size(), n_items);
}

std::string tensor_not_finite(const Model& model) {
  const std::pair<const char*, std::span<const float>> tensors[] = {{"user.embedding", model.user_embedding.data},
                                                                    {"item.embedding", model.item_embedding.data},
                                                                    {"user.bias", model.user_bias},
                                                                    {"item.bias", model.item_bias},
                                                                    {"global.bias", {&model.global_bias, 1}}};
  for (const auto& [name, values] : tensors) {
    const std::size_t place = first_not_finite(values);
    if (place < values.size()) return fmt::format("{} (number {} of it is {})", name, place + 1, values[place]);
  }
  return {};
}

}  // namespace unfold
