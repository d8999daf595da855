#include "host/data/column_values.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "host/data/date_text.hpp"
#include "host/data/field_splitter.hpp"
#include "host/data/number.hpp"

namespace unfold {
namespace {

// Fewer lines than these may count up by chance.
constexpr std::size_t kMinCounted = 5;
constexpr std::size_t kMinForStars = 30;
constexpr std::size_t kMaxStars = 11;

bool is_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_digit(c) || more.find(c) != std::string_view::npos; });
}

std::size_t n_words(std::string_view text) {
  std::size_t n = 0;
  while (!take_word(text).empty()) ++n;
  return n;
}

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

}  // namespace

ColumnValues::ColumnValues(const SampleTable& table, bool first_is_data) {
  if (first_is_data) lines_.push_back(&table.first);
  for (const auto& line : table.lines) lines_.push_back(&line);
}

std::string_view ColumnValues::first(std::size_t column) const {
  return first_with(column, [](std::string_view) { return true; });
}

std::size_t ColumnValues::n_distinct(std::size_t column) const {
  std::set<std::string_view> values;
  for (const auto* line : lines_) {
    if (column < line->size()) values.insert((*line)[column]);
  }
  return values.size();
}

bool ColumnValues::all_numbers_are_times(std::size_t column) const {
  const std::size_t numbers = count(column, is_number);
  return numbers > 0 && count(column, is_clear_time) == numbers;
}

bool ColumnValues::is_counter(std::size_t column) const {
  std::int64_t last = 0;
  for (std::size_t n = 0; n < lines_.size(); ++n) {
    std::int64_t value = 0;
    if (column >= lines_[n]->size() || !parse_integer((*lines_[n])[column], value)) return false;
    if (n == 0 ? value != 0 && value != 1 : value != last + 1) return false;
    last = value;
  }
  return lines_.size() >= kMinCounted;
}

bool ColumnValues::looks_like_times(std::size_t column) const {
  const auto is_date = [](std::string_view text) { return (is_time(text) && !is_number(text)) || is_date_text(text); };
  if (nearly_all(column, is_date)) return true;
  if (lines_.size() < kMinCounted || all_equal(column)) return false;
  const std::int64_t units = time_units(column);
  const auto is_unix_time = [units](std::string_view text) { return unix_time_units(text) == units; };
  if ((units != 0 && nearly_all(column, is_unix_time)) || looks_like_compact_dates(column)) return true;
  // Six digits may be any ids. But ids that count up leave no gap between the last month of a year and the first of the
  // next, nor between the last day of a month and the first.
  const std::string_view year = first(column).substr(0, 4);
  return looks_like_short_dates(column) &&
         count(column, [&](std::string_view text) { return text.substr(0, 4) != year; }) > 0;
}

bool ColumnValues::looks_like_compact_dates(std::size_t column) const { return nearly_all(column, is_compact_date); }

bool ColumnValues::looks_like_short_dates(std::size_t column) const {
  if (lines_.size() < kMinCounted || all_equal(column)) return false;
  return nearly_all(column, is_compact_month) || nearly_all(column, is_compact_day);
}

bool ColumnValues::looks_like_times_for_ratings(std::size_t column) const {
  const auto is_unix_time = [](std::string_view text) { return unix_time_units(text) != 0; };
  return nearly_all(column, is_unix_time) || looks_like_compact_dates(column) || looks_like_short_dates(column);
}

std::int64_t ColumnValues::time_units(std::size_t column) const {
  const std::size_t all = count(column, [](std::string_view text) { return unix_time_units(text) != 0; });
  for (const std::int64_t units : {1, 1'000, 1'000'000, 1'000'000'000}) {
    const std::size_t n = count(column, [units](std::string_view text) { return unix_time_units(text) == units; });
    if (n > 0 && 2 * n >= all) return units;
  }
  return 0;
}

bool ColumnValues::looks_like_stars(std::size_t column) const {
  if (lines_.size() < kMinForStars) return false;
  std::set<float> values;
  for (const auto* line : lines_) {
    float value = 0;
    if (column >= line->size() || parse_rating((*line)[column], value) != NumberStatus::kOk) return false;
    values.insert(value);
    if (values.size() > kMaxStars || std::abs(value) > 10) return false;
  }
  return true;
}

bool ColumnValues::looks_like_measures(std::size_t column) const {
  return nearly_all(column, is_number) && 10 * count(column, has_fraction) >= lines_.size();
}

// Ids of a blank or two in themselves (AB12 3CD) have the same number of parts each.
bool ColumnValues::looks_like_lists(std::size_t column) const {
  if (nearly_all(column, is_bracketed_list)) return true;
  const std::size_t n_several = count(column, [](std::string_view text) { return n_ids(text) > 1; });
  if (n_several == 0 || 5 * n_several < lines_.size()) return false;
  if (!nearly_all(column, [](std::string_view text) { return n_ids(text) > 0; })) return false;
  if (nearly_all(column, [](std::string_view text) { return is_of(text, ",;|\t "); })) return true;
  const std::size_t n_parts = n_ids(first(column));
  const bool number_varies = count(column, [&](std::string_view text) { return n_ids(text) != n_parts; }) > 0;
  const auto has_sign = [](std::string_view text) { return text.find_first_of(",;|") != std::string_view::npos; };
  return number_varies || count(column, has_sign) == n_several;
}

bool ColumnValues::look_like_sentences(std::size_t column, std::size_t other) const {
  constexpr std::size_t kMinWords = 3;
  std::size_t words = 0, other_words = 0;
  for (const auto* line : lines_) {
    words += column < line->size() ? n_words((*line)[column]) : 0;
    other_words += other < line->size() ? n_words((*line)[other]) : 0;
  }
  return std::min(words, other_words) >= kMinWords * lines_.size() && 10 * n_distinct(column) >= 9 * lines_.size();
}

bool ColumnValues::looks_like_asins(std::size_t column) const {
  return nearly_all(column, [](std::string_view text) {
    if (text.size() != 10) return false;
    return (text.starts_with("B0") && is_of(text, kCapitals)) || is_of(text, "X");
  });
}

bool ColumnValues::looks_like_amazon_users(std::size_t column) const {
  return nearly_all(column, [](std::string_view text) {
    return text.starts_with('A') && text.size() >= 10 && text.size() <= 28 && is_of(text, kCapitals);
  });
}

bool ColumnValues::are_whole_numbers(std::size_t column) const {
  const auto is_whole = [](std::string_view text) { return is_whole_number(text) || is_whole_decimal(text); };
  const auto may_be = [&](std::string_view text) { return is_whole(text) || is_missing(text); };
  return count(column, is_whole) > 0 && count(column, may_be) == lines_.size();
}

bool ColumnValues::all_equal(std::size_t column) const {
  const std::string_view value = first(column);
  return count(column, [&](std::string_view text) { return text != value; }) == 0;
}

bool ColumnValues::is_constant_word(std::size_t column) const {
  return lines_.size() >= kMinCounted && all_equal(column) &&
         first(column).find_first_of("0123456789") == std::string_view::npos;
}

bool ColumnValues::is_grouped(std::size_t column) const {
  std::size_t n_groups = 0;
  std::string_view last;
  for (const auto* line : lines_) {
    const std::string_view value = column < line->size() ? (*line)[column] : std::string_view();
    n_groups += n_groups == 0 || value != last ? 1 : 0;
    last = value;
  }
  return n_groups == n_distinct(column);
}

}  // namespace unfold
