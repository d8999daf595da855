#include "host/cli/chosen_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "host/cli/suggest.hpp"
#include "host/cli/text.hpp"
#include "host/cli/toml.hpp"
#include "unfold/error.hpp"
#include "unfold/model_family.hpp"

namespace unfold::cli {
namespace {

// The value of an option that is given as "--name value" or "--name=value"; of several, the first.
std::optional<std::string> value_of(std::string_view name, const std::vector<std::string>& words) {
  for (std::size_t n = 0; n < words.size() && words[n] != "--"; ++n) {
    if (words[n] == name && n + 1 < words.size()) return words[n + 1];
    if (words[n].starts_with(std::string(name) + "=")) return words[n].substr(name.size() + 1);
  }
  return std::nullopt;
}

struct Named {
  std::string model;
  std::string where;  // "c.toml:3: ", or nothing
};

std::optional<Named> named_in_file(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  std::ifstream input(file, std::ios::binary);
  try {
    for (const TomlTable& table : read_toml({std::istreambuf_iterator<char>(input), {}}, file)) {
      for (const TomlPair& pair : table.pairs) {
        std::vector<std::string> key = table.name;
        key.insert(key.end(), pair.key.begin(), pair.key.end());
        if (key == std::vector<std::string>{"train", "model"} && pair.values.size() == 1) {
          return Named{pair.values[0].text, fmt::format("{}:{}: ", file, pair.line)};
        }
      }
    }
  } catch (const TomlError&) {  // the parser says so
  }
  return std::nullopt;
}

std::optional<Named> find_named(const std::vector<std::string>& words) {
  const bool trains = std::ranges::find(words, "train") != words.end();
  if (trains) {
    if (const auto model = value_of("--model", words)) return Named{*model, ""};
  }
  const auto file = value_of("--config", words);
  return file ? named_in_file(*file) : std::nullopt;
}

}  // namespace

ChosenModel chosen_model(int argc, const char* const* argv) {
  const std::optional<Named> named = find_named({argv + 1, argv + std::max(argc, 1)});
  const std::vector<const char*> families = family_names();
  if (!named) return {families.front(), false};
  if (std::ranges::find(families, named->model) != families.end()) return {named->model, true};
  throw UsageError(fmt::format("{}--model {}: use {}{}", named->where, terminal_text(shell_quote(named->model)),
                               Allowed{.words = families}.to_string(),
                               did_you_mean(named->model, {families.begin(), families.end()})));
}

std::string nearest_foreign_option(const std::string& option, const std::string& family) {
  std::vector<std::string> names;
  for (const auto& other : model_families()) {
    if (other->name() == family) continue;
    for (const Option& candidate : other->options()) names.emplace_back(candidate.name);
  }
  return nearest_word(option, names);
}

}  // namespace unfold::cli
