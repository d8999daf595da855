#include "unfold/model_scorer.hpp"

#include <fmt/format.h>

#include "unfold/error.hpp"
#include "unfold/model_family.hpp"

namespace unfold {
namespace {

// The family of a model, whose tensors it has checked.
std::unique_ptr<ModelFamily> family_of(const Model& model) {
  for (auto& family : model_families()) {
    if (family->name() != model.kind) continue;
    family->check_model(model);
    return std::move(family);
  }
  throw DataError(
      fmt::format("the model's kind is \"{}\"; this program knows {}; a newer unfold wrote it: use that, or \"unfold "
                  "export --format safetensors\", which takes any kind",
                  model.kind, fmt::join(family_names(), ", ")));
}

}  // namespace

Model open_model(const std::filesystem::path& directory) {
  Model model = load_model(directory);
  try {
    const bool expected = family_of(model)->predicts_ratings();
    if (predicts_ratings(model) != expected) {
      throw DataError(fmt::format("\"predicts_ratings\" of model.json is {}, and of kind {} it is {}; it is damaged",
                                  predicts_ratings(model), model.kind, expected));
    }
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", directory.string(), error.what()));
  }
  return model;
}

std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model) {
  return family_of(model)->make_scorer(backend, model);
}

}  // namespace unfold
