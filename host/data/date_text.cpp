#include "host/data/date_text.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "host/data/number.hpp"

namespace unfold {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Of at most nine digits.
int value_of(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = 10 * value + (c - '0');
  return value;
}

bool is_year(std::string_view digits) {
  return digits.size() == 4 && value_of(digits) >= 1900 && value_of(digits) <= 2100;
}
bool is_month(std::string_view digits) { return digits.size() <= 2 && value_of(digits) >= 1 && value_of(digits) <= 12; }
bool is_day(std::string_view digits) { return digits.size() <= 2 && value_of(digits) >= 1 && value_of(digits) <= 31; }

bool is_month_and_day(std::string_view a, std::string_view b) {
  return (is_month(a) && is_day(b)) || (is_day(a) && is_month(b));
}

// Three numbers with the same sign between them. Years of two digits are common with slashes alone; with other signs
// all numbers need two, as 1.2.3 is a version.
bool is_date(std::string_view a, std::string_view b, std::string_view c, char sign) {
  if (is_year(a)) return is_month(b) && is_day(c);
  if (is_year(c)) return is_month_and_day(a, b);
  if (c.size() != 2 || (sign != '/' && (a.size() != 2 || b.size() != 2))) return false;
  return is_month_and_day(a, b) || (a.size() == 2 && is_month(b) && is_day(c));
}

// A text as numbers, names of months and days, and signs.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) : rest_(text) {}

  bool scan() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (is_digit(c)) {
        if (!number()) return false;
      } else if (is_letter(c)) {
        if (!word()) return false;
      } else if (std::string_view(" ,-/.+").find(c) == std::string_view::npos) {
        return false;
      } else {
        rest_.remove_prefix(1);
      }
    }
    // A number by itself is a day or a year beside a month's name, and else at most an offset: +0200.
    if (n_single_ > (has_month_ ? 3 : 1)) return false;
    return has_clock_ || has_date_ || (has_month_ && n_single_ > 0);
  }

 private:
  std::string_view take_digits() {
    std::size_t n = 0;
    while (n < rest_.size() && is_digit(rest_[n])) ++n;
    const std::string_view digits = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return digits;
  }

  bool sign_before_digit(char sign) const { return rest_.size() > 1 && rest_[0] == sign && is_digit(rest_[1]); }

  bool number() {
    const std::string_view first = take_digits();
    if (first.size() > 4) return false;
    if (sign_before_digit(':') && first.size() <= 2) return clock(first);
    for (const char sign : {'/', '-', '.'}) {
      if (sign_before_digit(sign)) return triple(first, sign);
    }
    if (sign_before_digit(':')) rest_.remove_prefix(1);  // 22/Jan/2019:10:30:00, as servers write it
    ++n_single_;
    return true;
  }

  bool clock(std::string_view hour) {
    has_clock_ = true;
    bool in_range = value_of(hour) < 24;
    for (int n = 0; n < 2 && sign_before_digit(':'); ++n) {
      rest_.remove_prefix(1);
      const std::string_view part = take_digits();
      in_range = in_range && part.size() == 2 && value_of(part) <= 60;
    }
    if (sign_before_digit('.')) {
      rest_.remove_prefix(1);
      take_digits();
    }
    return in_range;
  }

  bool triple(std::string_view first, char sign) {
    rest_.remove_prefix(1);
    const std::string_view second = take_digits();
    if (!sign_before_digit(sign) || has_date_) return false;
    rest_.remove_prefix(1);
    const std::string_view third = take_digits();
    has_date_ = true;
    return second.size() <= 2 && third.size() <= 4 && is_date(first, second, third, sign);
  }

  bool word() {
    std::string letters;
    while (!rest_.empty() && is_letter(rest_.front())) {
      letters.push_back(static_cast<char>(rest_.front() | 0x20));
      rest_.remove_prefix(1);
    }
    constexpr std::array kMonths = {"january", "february", "march",     "april",   "may",      "june",
                                    "july",    "august",   "september", "october", "november", "december"};
    constexpr std::array kOthers = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    constexpr std::array kShort = {"am",  "pm",  "t",   "z",    "utc", "gmt", "est", "edt",
                                   "pst", "pdt", "cet", "cest", "st",  "nd",  "rd",  "th"};
    const auto begins = [&](const char* name) { return letters.size() >= 3 && std::string(name).starts_with(letters); };
    if (std::any_of(kMonths.begin(), kMonths.end(), begins)) return has_month_ = true;
    return std::any_of(kOthers.begin(), kOthers.end(), begins) ||
           std::find(kShort.begin(), kShort.end(), letters) != kShort.end();
  }

  std::string_view rest_;
  bool has_clock_ = false;
  bool has_date_ = false;
  bool has_month_ = false;
  int n_single_ = 0;
};

bool are_digits(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }

}  // namespace

bool is_date_text(std::string_view text) { return text.size() <= 64 && DateScanner(text).scan(); }

bool is_compact_date(std::string_view text) {
  if ((text.size() != 8 && text.size() != 12 && text.size() != 14) || !are_digits(text)) return false;
  if (!is_year(text.substr(0, 4)) || !is_month(text.substr(4, 2)) || !is_day(text.substr(6, 2))) return false;
  if (text.size() == 8) return true;
  return value_of(text.substr(8, 2)) < 24 && value_of(text.substr(10, 2)) < 60 && value_of(text.substr(12)) <= 60;
}

bool is_compact_month(std::string_view text) {
  return text.size() == 6 && are_digits(text) && is_year(text.substr(0, 4)) && is_month(text.substr(4));
}

bool is_compact_day(std::string_view text) {
  return text.size() == 6 && are_digits(text) && is_month(text.substr(2, 2)) && is_day(text.substr(4));
}

}  // namespace unfold
