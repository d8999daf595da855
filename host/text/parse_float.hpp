// A float32 from text.
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace unfold {

// Nothing where `text` is not, as a whole, a finite number.
inline std::optional<float> parse_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace unfold
