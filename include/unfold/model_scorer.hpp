// A trained model, as evaluation and queries ask it.
#pragma once

#include <filesystem>
#include <memory>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

// load_model of a kind that this program scores, with the tensors that it takes. Throws DataError.
Model open_model(const std::filesystem::path& directory);

// Its tables are copied to the backend. `model` outlives it. Throws DataError for a kind that this program does not
// know, and for tensors that are missing or do not fit.
std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model);

}  // namespace unfold
