// Small models and interactions for the tests of evaluation.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tests/support/columns.hpp"
#include "unfold/evaluate.hpp"

namespace unfold::test {

using Interactions = Columns;

// Training items by user; item means are 1.
inline SeenItems seen_items(std::vector<std::vector<Row>> lists, std::uint64_t n_items) {
  SeenItems seen;
  seen.offsets = {0};
  for (std::vector<Row>& list : lists) {
    std::sort(list.begin(), list.end());
    seen.items.insert(seen.items.end(), list.begin(), list.end());
    seen.offsets.push_back(seen.items.size());
  }
  seen.item_mean_rating.assign(n_items, 1.0f);
  return seen;
}

// A model with ids "u0", "u1", ... and "i0", "i1", ...; factors and biases are zero.
inline Model empty_model(std::uint32_t n_users, std::uint32_t n_items, std::uint32_t dim) {
  Model model;
  model.tensors["user.embedding"] = Tensor::zeros({n_users, dim});
  model.tensors["item.embedding"] = Tensor::zeros({n_items, dim});
  model.tensors["user.bias"] = Tensor::zeros({n_users});
  model.tensors["item.bias"] = Tensor::zeros({n_items});
  model.tensors["global.bias"] = Tensor::zeros({1});
  model.architecture["predicts_ratings"] = true;
  for (std::uint32_t u = 0; u < n_users; ++u) model.user_ids.find_or_add(fmt::format("u{}", u));
  for (std::uint32_t i = 0; i < n_items; ++i) model.item_ids.find_or_add(fmt::format("i{}", i));
  model.seen = seen_items(std::vector<std::vector<Row>>(n_users), n_items);
  return model;
}

// Without the biases that are the same for all of a user's items.
inline double model_score(const Model& model, Row user, Row item) {
  const std::span<const float> p = model.tensors.at("user.embedding").row(user);
  const std::span<const float> q = model.tensors.at("item.embedding").row(item);
  double score = static_cast<double>(model.tensors.at("item.bias").data[item]);
  for (std::size_t k = 0; k < p.size(); ++k) score += static_cast<double>(p[k]) * static_cast<double>(q[k]);
  return score;
}

}  // namespace unfold::test
