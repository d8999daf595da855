#include "unfold/model_family.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/models/product_model.hpp"
#include "host/store/product_tensors.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Options are lists of pointers to a family's own fields, which reading them does not change.
std::vector<Option> options_of(const ModelFamily& family) { return const_cast<ModelFamily&>(family).options(); }

}  // namespace

std::optional<Option> ModelFamily::option(std::string_view name) const {
  for (const Option& option : options_of(*this)) {
    if (option.name == name) return option;
  }
  return std::nullopt;
}

void ModelFamily::set(std::string_view name, std::string_view value) {
  if (const std::optional<Option> found = option(name)) return found->set(value);
  const std::string foreign = foreign_option(name, this->name());
  throw UsageError(foreign.empty() ? fmt::format("--{}: unknown option", name) : foreign);
}

void ModelFamily::validate() const {
  for (const Option& option : options_of(*this)) option.check();
  check();
}

nlohmann::ordered_json ModelFamily::to_json() const {
  nlohmann::ordered_json json;
  json["model"] = name();
  for (const Option& option : options_of(*this)) json[option.name] = option.json();
  return json;
}

std::uint64_t ModelFamily::batch_size(std::uint64_t n_ratings) const {
  return std::min<std::uint64_t>(n_ratings, run_.batch_size > 0 ? run_.batch_size : 1024);
}

void ModelFamily::check_model(const Model& model) const { check_product_tensors(model); }

std::unique_ptr<Scorer> ModelFamily::make_scorer(Backend& backend, const Model& model) const {
  return make_product_scorer(backend, model);
}

std::string ModelFamily::against_divergence() const {
  return !streams() ? "" : fmt::format("lower --learning-rate (now {})", run_.learning_rate);
}

}  // namespace unfold
