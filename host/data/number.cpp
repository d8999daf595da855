#include "host/data/number.hpp"

#include <fast_float/fast_float.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "host/data/field_splitter.hpp"

namespace unfold {
namespace {

std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

template <typename T>
bool parse_decimal(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto result = fast_float::from_chars(text.data(), end, value);
  return !text.empty() && result.ptr == end;
}

// Reads text like "2020-01-31T23:59:59Z" from its front.
class IsoReader {
 public:
  explicit IsoReader(std::string_view text) : text_(text) {}

  bool parse(std::int64_t& seconds) {
    int year = 0, month = 0, day = 0;
    if (!digits(4, year) || !skip('-') || !digits(2, month) || !skip('-') || !digits(2, day)) return false;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return false;
    seconds = std::int64_t{86400} * std::chrono::sys_days(date).time_since_epoch().count();
    if (text_.empty()) return true;
    std::int64_t of_day = 0, offset = 0;
    if (!time_of_day(of_day) || !zone(offset)) return false;
    seconds += of_day - offset;
    return text_.empty();
  }

 private:
  bool time_of_day(std::int64_t& seconds) {
    int hour = 0, minute = 0, second = 0;
    if (!skip('T') && !skip('t') && !skip(' ')) return false;
    if (!digits(2, hour) || !skip(':') || !digits(2, minute)) return false;
    if (skip(':')) {
      if (!digits(2, second)) return false;
      if (skip('.')) {
        int fraction = 0;
        if (!digits(1, fraction)) return false;
        while (digits(1, fraction)) {
        }
      }
    }
    seconds = std::int64_t{3600} * hour + std::int64_t{60} * minute + second;
    return hour < 24 && minute < 60 && second <= 60;  // 60: a leap second
  }

  bool zone(std::int64_t& seconds) {
    if (text_.empty() || skip('Z') || skip('z')) return true;
    skip(' ');
    if (skip_word("UTC") || skip_word("GMT") || skip_word("Z")) return true;
    const bool west = skip('-');
    int hour = 0, minute = 0;
    if ((!west && !skip('+')) || !digits(2, hour)) return false;
    if (!text_.empty()) {
      skip(':');
      if (!digits(2, minute)) return false;
    }
    seconds = (west ? -60 : 60) * (std::int64_t{60} * hour + minute);
    return hour < 24 && minute < 60;
  }

  bool digits(std::size_t n, int& value) {
    if (text_.size() < n) return false;
    value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return false;
      value = 10 * value + (text_[i] - '0');
    }
    text_.remove_prefix(n);
    return true;
  }

  bool skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool skip_word(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  std::string_view text_;
};

}  // namespace

bool parse_integer(std::string_view text, std::int64_t& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

NumberStatus parse_rating(std::string_view text, float& value) {
  if (!parse_decimal(without_plus(without_blanks(text)), value)) return NumberStatus::kNotANumber;
  return std::isfinite(value) ? NumberStatus::kOk : NumberStatus::kNotFinite;
}

bool has_decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return false;
  std::string point(text);
  point[comma] = '.';
  float value = 0;
  return parse_rating(point, value) == NumberStatus::kOk;
}

bool parse_time(std::string_view text, std::int64_t& seconds) {
  text = without_blanks(text);
  const std::string_view number = without_plus(text);
  const char* end = number.data() + number.size();
  const auto result = std::from_chars(number.data(), end, seconds);
  if (result.ec == std::errc() && result.ptr == end) return true;
  double decimal = 0;
  if (parse_decimal(number, decimal)) {
    if (!(std::abs(decimal) < 0x1p62)) return false;
    seconds = static_cast<std::int64_t>(std::floor(decimal));
    return true;
  }
  return IsoReader(text).parse(seconds);
}

}  // namespace unfold
