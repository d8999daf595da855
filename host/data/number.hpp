// Numbers and times as they stand in text.
#pragma once

#include <cstdint>
#include <string_view>

namespace unfold {

enum class NumberStatus { kOk, kNotANumber, kNotFinite };

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// An integer without blanks or '+', all of the text.
bool parse_integer(std::string_view text, std::int64_t& value);

// A decimal number, blanks around it and a leading '+' allowed. kNotFinite for nan, inf and what a float cannot
// hold.
NumberStatus parse_rating(std::string_view text, float& value);

// Whether a text is no decimal number for its comma alone: 3,5.
bool has_decimal_comma(std::string_view text);

// Seconds since 1970 (UTC): an integer; a decimal number, rounded down; or ISO 8601, YYYY-MM-DD, then optionally
// 'T' or a space, hh:mm, :ss, a fraction (dropped) and Z, UTC, GMT or an offset (+hh:mm, +hhmm, +hh), with or without a
// space before it. Blanks around it allowed.
bool parse_time(std::string_view text, std::int64_t& seconds);

}  // namespace unfold
