// JSON of files that this program wrote, read as if anyone had.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace unfold {

// Levels of arrays and objects inside each other. What the program writes has fewer than ten; a copy of a value takes
// stack for each.
inline constexpr int kMaxJsonDepth = 64;

// Throws DataError, with `where` in front, for what is no JSON, what nests deeper than kMaxJsonDepth, and an object
// that has a key twice.
nlohmann::ordered_json parse_json(std::string_view text, const std::string& where);

}  // namespace unfold
