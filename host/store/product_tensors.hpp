// The tensors of a model whose scores are products, user . item + item bias. Each throws DataError where the model has
// none that fits: what it has instead, what is right, which models have it.
#pragma once

#include <cstdint>

#include "unfold/model.hpp"

namespace unfold {

inline constexpr std::uint64_t kMostColumns = 1024;  // that any op takes

// [n_users, dim] and [n_items, dim], dim from 1 to kMostColumns. Of a model that has its ids.
const Tensor& user_embedding(const Model& model);
const Tensor& item_embedding(const Model& model);
// Without one, all are 0: null, or 0.
const Tensor* user_bias(const Model& model);  // [n_users]
const Tensor* item_bias(const Model& model);  // [n_items]
float global_bias(const Model& model);        // [1]

// All of them fit each other.
void check_product_tensors(const Model& model);

}  // namespace unfold
