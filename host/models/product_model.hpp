// A model of embeddings and biases, read from disk, whose scores are products.
#pragma once

#include <memory>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

// Items are in the backend's memory, users too once pairs are asked for: a ranking copies the vectors of a block of
// users, so that a few users of many cost little. `model` outlives the scorer. Requires check_product_tensors(model).
std::unique_ptr<Scorer> make_product_scorer(Backend& backend, const Model& model);

}  // namespace unfold
