#include "host/store/product_tensors.hpp"

#include <fmt/format.h>

#include <string>

#include "unfold/error.hpp"

namespace unfold {
namespace {

[[noreturn]] void fail_shape(const std::string& name, const Tensor& tensor, const std::string& right) {
  throw DataError(
      fmt::format("tensor \"{}\" has shape {}, not {}; the model is damaged, or its files are of two models; "
                  "train again, or take it from a copy",
                  name, shape_text(tensor.shape), right));
}

const Tensor& embedding(const Model& model, const std::string& noun) {
  const std::string name = noun + ".embedding";
  const Tensor* const found = model.tensors.find(name);
  if (found == nullptr) {
    throw DataError(fmt::format("the model, of kind \"{}\", has no vector for each {}: {}; give a model that has them",
                                model.kind, noun, model.tensors.why_missing(name)));
  }
  const std::uint64_t n_ids = (noun == "user" ? model.user_ids : model.item_ids).size();
  const bool has_columns = found->shape.size() == 2 && found->cols() >= 1 && found->cols() <= kMostColumns;
  // A model that has just been trained gets its ids when it is written.
  const bool has_ids = model.user_ids.size() > 0 || model.item_ids.size() > 0;
  const bool has_rows = !has_ids || found->rows() == n_ids;
  if (!has_columns || !has_rows) {
    const std::string dim = has_columns ? fmt::format("{}", found->cols()) : fmt::format("1 to {}", kMostColumns);
    fail_shape(name, *found, fmt::format("[{}, {}]", has_ids ? n_ids : found->rows(), dim));
  }
  return *found;
}

const Tensor* bias(const Model& model, const std::string& noun) {
  const std::string name = noun + ".bias";
  const Tensor* const found = model.tensors.find(name);
  if (found == nullptr) return nullptr;
  const std::uint64_t n_rows = embedding(model, noun).rows();
  if (found->shape != std::vector<std::uint64_t>{n_rows}) fail_shape(name, *found, fmt::format("[{}]", n_rows));
  return found;
}

}  // namespace

const Tensor& user_embedding(const Model& model) { return embedding(model, "user"); }
const Tensor& item_embedding(const Model& model) { return embedding(model, "item"); }
const Tensor* user_bias(const Model& model) { return bias(model, "user"); }
const Tensor* item_bias(const Model& model) { return bias(model, "item"); }

float global_bias(const Model& model) {
  const Tensor* const found = model.tensors.find("global.bias");
  if (found == nullptr) return 0;
  if (found->shape != std::vector<std::uint64_t>{1}) fail_shape("global.bias", *found, "[1]");
  return found->data[0];
}

void check_product_tensors(const Model& model) {
  const Tensor& users = user_embedding(model);
  const Tensor& items = item_embedding(model);
  if (users.cols() != items.cols()) {
    fail_shape("item.embedding", items, shape_text(std::vector{items.rows(), users.cols()}));
  }
  user_bias(model);
  item_bias(model);
  global_bias(model);
}

}  // namespace unfold
