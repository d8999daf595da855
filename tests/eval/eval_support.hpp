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

}  // namespace unfold::test
