#include "host/models/mf/rating_range.hpp"

#include "host/text/parse_float.hpp"

namespace unfold {

std::optional<RatingRange> parse_rating_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<float> low = parse_float(text.substr(0, colon)), high = parse_float(text.substr(colon + 1));
  if (!low || !high || *low >= *high) return std::nullopt;
  return RatingRange{*low, *high};
}

}  // namespace unfold
