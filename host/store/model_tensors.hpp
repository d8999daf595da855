// A model's parameters by their names in safetensors files.
#pragma once

#include <string>
#include <vector>

#include "host/io/safetensors.hpp"
#include "unfold/model.hpp"

namespace unfold {

// user.embedding [n_users, dim], item.embedding [n_items, dim], user.bias [n_users], item.bias [n_items],
// global.bias [1]. Views of `model`.
std::vector<TensorView> model_tensors(const Model& model);

// Checks that the arrays and ids of a model fit each other. Throws std::logic_error: a caller put it together wrongly.
void check_shapes(const Model& model);

// The name of the first tensor that holds a number that is not finite, with its place; empty where all are finite.
std::string tensor_not_finite(const Model& model);

}  // namespace unfold
