// The known word nearest to a mistyped one.
#pragma once

#include <string>
#include <vector>

namespace unfold::cli {

// The nearest of `known` by edits, or "" where none is near.
std::string nearest_word(const std::string& word, const std::vector<std::string>& known);

// "; did you mean KNOWN?", or "" where none is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace unfold::cli
