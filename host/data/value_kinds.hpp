// What a single value of a table looks like.
#pragma once

#include <cstdint>
#include <string_view>

namespace unfold {

bool is_number(std::string_view text);
// Digits alone.
bool is_whole_number(std::string_view text);
// A number with something behind the point: 4.5.
bool has_fraction(std::string_view text);
bool is_time(std::string_view text);
// Surely a time: a date, or a number that is too large for anything else.
bool is_clear_time(std::string_view text);
// Of a number that is a Unix time of the years from 1993 to 2040, how many units a second has: 1, 10^3, 10^6 or 10^9. 0
// for other numbers.
std::int64_t unix_time_units(std::int64_t value);
std::int64_t unix_time_units(std::string_view text);

// Empty, or what programs write for a value that is not there: NA, NULL, NaN, None, \N, #N/A, -, ...
bool is_missing(std::string_view id);
// Digits and ".0".
bool is_whole_decimal(std::string_view text);
// 1.23457E+11: a number of which a spreadsheet kept the first digits.
bool is_cut_number(std::string_view text);

// What a user does with an item: view, cart, purchase, like, ...
bool is_event(std::string_view text);

// How many ids a text holds: words with digits, parted by commas, semicolons, bars or blanks. 0 where it holds
// anything else.
std::size_t n_ids(std::string_view text);
// Values in brackets: [5, 9], ['a'], (5,9), {5,9}.
bool is_bracketed_list(std::string_view text);

}  // namespace unfold
