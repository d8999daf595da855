// A trained model, as evaluation and queries ask it.
#pragma once

#include <memory>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

// Its tables are copied to the backend. `model` outlives it.
std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model);

}  // namespace unfold
