#include "unfold/model_family.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/models/product_model.hpp"
#include "host/store/product_tensors.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Options are lists of pointers to a family's own fields, which reading them does not change.
std::vector<Option> options_of(const ModelFamily& family) { return const_cast<ModelFamily&>(family).options(); }

}  // namespace

void ModelFamily::set(std::string_view name, std::string_view value) {
  for (const Option& option : options()) {
    if (option.name == name) return option.set(value);
  }
  const std::vector<std::string> owners = families_with(name);
  if (owners.empty()) throw UsageError(fmt::format("--{}: unknown option", name));
  throw UsageError(
      fmt::format("--{} belongs to model {}, and this is {}", name, fmt::join(owners, ", "), this->name()));
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
  return fmt::format("lower --learning-rate (now {})", run_.learning_rate);
}

}  // namespace unfold
