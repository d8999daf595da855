// What model.json says of a model's training. load_model has checked the types.
#include <charconv>

#include "unfold/model.hpp"

namespace unfold {
namespace {

using Json = nlohmann::ordered_json;

Json training_value(const Model& model, const char* part, const char* name, Json fallback) {
  const auto found = model.training.find(part);
  return found == model.training.end() ? fallback : found->value(name, fallback);
}

}  // namespace

bool has_ratings(const Model& model) { return training_value(model, "data", "has_ratings", true).get<bool>(); }

std::optional<float> positive_from(const Model& model) {
  const auto found = model.training.find("positive_from");
  if (found != model.training.end()) return found->is_null() ? std::nullopt : std::optional(found->get<float>());
  // Once the option held what had been found.
  const auto text = training_value(model, "options", "positive-from", "").get<std::string>();
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool held_something_out(const Model& model) {
  // Without the numbers nobody knows.
  return training_value(model, "parts", "n_validation", 1u).get<std::uint64_t>() > 0 ||
         training_value(model, "parts", "n_test", 1u).get<std::uint64_t>() > 0;
}

}  // namespace unfold
