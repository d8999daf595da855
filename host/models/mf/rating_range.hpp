// The range that predictions are held to.
#pragma once

#include <optional>
#include <string_view>

#include "unfold/model.hpp"

namespace unfold {

// "LO:HI" with LO < HI, both finite; else nothing.
std::optional<RatingRange> parse_rating_range(std::string_view text);

}  // namespace unfold
