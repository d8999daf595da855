// The list of model families.
#include <fmt/format.h>

#include <algorithm>

#include "host/models/mf/mf_family.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"

namespace unfold {

std::vector<std::unique_ptr<ModelFamily>> model_families() {
  std::vector<std::unique_ptr<ModelFamily>> families;
  families.push_back(std::make_unique<MfFamily>());
  families.push_back(std::make_unique<SoftmaxFamily>());
  return families;
}

std::vector<const char*> family_names() {
  std::vector<const char*> names;
  for (const auto& family : model_families()) names.push_back(family->name());
  return names;
}

std::unique_ptr<ModelFamily> make_family(std::string_view name) {
  for (auto& family : model_families()) {
    if (family->name() == name) return std::move(family);
  }
  throw UsageError(fmt::format("--model {}: use {}", name, Allowed{.words = family_names()}.to_string()));
}

std::vector<std::string> families_with(std::string_view option) {
  std::vector<std::string> names;
  for (const auto& family : model_families()) {
    const std::vector<Option> options = family->options();
    if (std::ranges::any_of(options, [&](const Option& o) { return o.name == option; })) {
      names.emplace_back(family->name());
    }
  }
  return names;
}

std::string foreign_option(std::string_view option, std::string_view family) {
  const std::vector<std::string> owners = families_with(option);
  if (owners.empty()) return {};
  return fmt::format("--{} belongs to model{} {}, and this run is of model {}", option, owners.size() == 1 ? "" : "s",
                     fmt::join(owners, " and "), family);
}

}  // namespace unfold
