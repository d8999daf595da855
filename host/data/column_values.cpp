#include "host/data/column_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>

#include "host/data/number.hpp"
#include "host/data/record_parser.hpp"

namespace unfold {
namespace {

// Fewer lines than these may count up by chance.
constexpr std::size_t kMinCounted = 5;
constexpr std::size_t kMinForStars = 30;
constexpr std::size_t kMaxStars = 11;

bool parse_integer(std::string_view text, std::int64_t& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool is_unix_time_of(std::string_view text, std::int64_t units_per_second) {
  constexpr std::int64_t kYear1993 = 725'846'400, kYear2040 = 2'208'988'800;
  std::int64_t value = 0;
  return parse_integer(text.substr(0, text.find('.')), value) && value >= kYear1993 * units_per_second &&
         value < kYear2040 * units_per_second;
}

bool is_date_without_dashes(std::string_view text) {
  std::int64_t value = 0;
  if (text.size() != 8 || !parse_integer(text, value)) return false;
  const std::int64_t year = value / 10000, month = value / 100 % 100, day = value % 100;
  return year >= 1900 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool is_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos; });
}

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

}  // namespace

bool is_number(std::string_view text) {
  float value = 0;
  return parse_rating(text, value) == NumberStatus::kOk;
}

bool is_time(std::string_view text) {
  std::int64_t seconds = 0;
  return parse_time(text, seconds);
}

bool is_large_integer(std::string_view text) {
  std::int64_t value = 0;
  return parse_integer(text, value) && value >= 100'000'000;
}

bool is_clear_time(std::string_view text) {
  return is_large_integer(text) || (is_time(text) && !is_number(text)) || is_unix_time_of(text, 1);
}

ColumnValues::ColumnValues(const SampleTable& table, bool first_is_data) {
  if (first_is_data) lines_.push_back(&table.first);
  for (const auto& line : table.lines) lines_.push_back(&line);
}

std::string_view ColumnValues::first(std::size_t column) const {
  return first_not(column, [](std::string_view) { return false; });
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
  const auto is_date = [](std::string_view text) { return is_time(text) && !is_number(text); };
  if (nearly_all(column, is_date)) return true;
  if (lines_.size() < kMinCounted || all_equal(column)) return false;
  for (const std::int64_t units :
       {std::int64_t{1}, std::int64_t{1'000}, std::int64_t{1'000'000}, std::int64_t{1'000'000'000}}) {
    if (nearly_all(column, [&](std::string_view text) { return is_unix_time_of(text, units); })) return true;
  }
  return false;
}

bool ColumnValues::looks_like_dates_without_dashes(std::size_t column) const {
  return nearly_all(column, is_date_without_dashes);
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

bool ColumnValues::are_whole_decimals(std::size_t column) const {
  const auto is_whole = [](std::string_view text) { return is_missing(text) || is_whole_decimal(text); };
  return count(column, is_whole_decimal) > 0 && count(column, is_whole) == lines_.size();
}

bool ColumnValues::all_empty(std::size_t column) const {
  return count(column, [](std::string_view text) { return !text.empty(); }) == 0 && !lines_.empty();
}

bool ColumnValues::all_equal(std::size_t column) const {
  const std::string_view value = first(column);
  return count(column, [&](std::string_view text) { return text != value; }) == 0;
}

}  // namespace unfold
