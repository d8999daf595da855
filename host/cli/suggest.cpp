#include "host/cli/suggest.hpp"

#include <algorithm>

#include "host/text/edit_distance.hpp"

namespace unfold::cli {

std::string nearest_word(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  // A third of the letters may differ; of a word typed in part, the rest may be missing.
  std::size_t nearest_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  EditDistance edits(word);
  for (const std::string& candidate : known) {
    std::size_t distance = edits.to(candidate, nearest_distance);
    if (word.size() > 2 && candidate.starts_with(word)) distance = 1;
    if (distance < nearest_distance && distance < candidate.size()) {
      nearest = candidate;
      nearest_distance = distance;
    }
  }
  return nearest;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? std::string() : "; did you mean " + nearest + "?";
}

}  // namespace unfold::cli
