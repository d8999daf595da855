#include "host/io/model_tensors.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace unfold {
namespace {

void require_size(const char* what, std::uint64_t size, std::uint64_t expected) {
  if (size != expected) {
    throw std::logic_error(fmt::format("model: {} has {} elements, not {}", what, size, expected));
  }
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

}  // namespace unfold
