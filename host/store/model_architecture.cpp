// What model.json says of any model's scores. load_model has checked the types.
#include <fmt/format.h>

#include <cmath>
#include <string>

#include "unfold/model.hpp"

namespace unfold {
namespace {

// The double that prints as the float does.
double printed(float value) { return std::isfinite(value) ? std::stod(fmt::format("{}", value)) : 0.0; }

}  // namespace

bool predicts_ratings(const Model& model) {
  const auto found = model.architecture.find("predicts_ratings");
  return found != model.architecture.end() && found->get<bool>();
}

std::optional<RatingRange> rating_range(const Model& model) {
  const auto found = model.architecture.find("rating_range");
  if (found == model.architecture.end() || found->is_null()) return std::nullopt;
  return RatingRange{static_cast<float>(found->at(0).get<double>()), static_cast<float>(found->at(1).get<double>())};
}

void set_rating_range(Model& model, const std::optional<RatingRange>& range) {
  nlohmann::ordered_json& json = model.architecture["rating_range"];
  json = nullptr;
  if (range) json = {printed(range->low), printed(range->high)};
}

}  // namespace unfold
