#include "host/data/value_kinds.hpp"

#include <algorithm>
#include <iterator>

#include "host/data/column_names.hpp"
#include "host/data/field_splitter.hpp"
#include "host/data/number.hpp"

namespace unfold {
namespace {

// Too large for a rating, right for Unix seconds since 1973.
bool is_large_integer(std::string_view text) {
  std::int64_t value = 0;
  return parse_integer(text, value) && value >= 100'000'000;
}

bool equals_in_any_case(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

bool is_id_with_digit(std::string_view text) {
  const auto is_of_id = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  };
  return std::all_of(text.begin(), text.end(), is_of_id) && std::any_of(text.begin(), text.end(), is_digit);
}

}  // namespace

bool is_number(std::string_view text) {
  float value = 0;
  return parse_rating(text, value) == NumberStatus::kOk;
}

bool is_whole_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

bool has_fraction(std::string_view text) {
  const std::size_t point = text.find('.');
  return point != std::string_view::npos && text.find_first_of("123456789", point) != std::string_view::npos &&
         text.find_first_of("eE") == std::string_view::npos && is_number(text);
}

bool is_time(std::string_view text) {
  std::int64_t seconds = 0;
  return parse_time(text, seconds);
}

bool is_clear_time(std::string_view text) {
  return is_large_integer(text) || (is_time(text) && !is_number(text)) || unix_time_units(text) == 1;
}

std::int64_t unix_time_units(std::int64_t value) {
  constexpr std::int64_t kYear1993 = 725'846'400, kYear2040 = 2'208'988'800;
  for (const std::int64_t units : {1, 1'000, 1'000'000, 1'000'000'000}) {
    if (value >= kYear1993 * units && value < kYear2040 * units) return units;
  }
  return 0;
}

std::int64_t unix_time_units(std::string_view text) {
  std::int64_t value = 0;
  return parse_integer(text.substr(0, text.find('.')), value) ? unix_time_units(value) : 0;
}

bool is_missing(std::string_view id) {
  constexpr std::size_t kLongest = 9;
  if (id.empty()) return true;
  if (id.size() > kLongest || std::string_view("Nn\\<#-Uu(").find(id[0]) == std::string_view::npos) return false;
  // Nat and Na are names.
  for (const std::string_view word : {"NA", "NaT", "\\N", "-"}) {
    if (id == word) return true;
  }
  constexpr std::string_view kInAnyCase[] = {"null", "nan",  "none", "nil",    "undefined",
                                             "n/a",  "<na>", "#n/a", "#null!", "(null)"};
  return std::any_of(std::begin(kInAnyCase), std::end(kInAnyCase),
                     [id](std::string_view word) { return equals_in_any_case(id, word); });
}

bool is_whole_decimal(std::string_view text) {
  return text.size() > 2 && text.ends_with(".0") && is_whole_number(text.substr(0, text.size() - 2));
}

bool is_cut_number(std::string_view text) {
  if (text.size() < 5 || text[text.size() - 3] != '+') return false;
  const char exponent = text[text.size() - 4];
  const std::string_view digits = text.substr(0, text.size() - 4);
  return (exponent == 'E' || exponent == 'e') && is_whole_number(text.substr(text.size() - 2)) && is_digit(digits[0]) &&
         (digits.size() == 1 || (digits[1] == '.' && is_whole_number(digits.substr(2))));
}

bool is_event(std::string_view text) {
  constexpr std::string_view kEvents[] = {
      "view",     "viewed",    "pageview",       "pv",      "detail",   "impression",  "click",    "clicked",
      "cart",     "addtocart", "removefromcart", "fav",     "favorite", "favourite",   "wishlist", "buy",
      "bought",   "purchase",  "purchased",      "order",   "ordered",  "transaction", "like",     "liked",
      "dislike",  "disliked",  "love",           "share",   "shared",   "save",        "saved",    "follow",
      "bookmark", "play",      "played",         "skip",    "skipped",  "rate",        "rated",    "comment",
      "download", "install",   "watch",          "watched", "listen",   "listened",    "read",     "search"};
  const std::string name = normalized_name(text);
  return std::find(std::begin(kEvents), std::end(kEvents), name) != std::end(kEvents);
}

std::size_t n_ids(std::string_view text) {
  const std::size_t first = text.find_first_of(",;|\t ");
  if (first == std::string_view::npos) return is_id_with_digit(text) ? 1 : 0;
  const char separator = text[first];
  std::size_t n = 0;
  for (std::size_t begin = 0; begin <= text.size(); ++n) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (!part.empty() && is_blank(part.front())) part.remove_prefix(1);
    begin = end + 1;
    if (part.empty() && begin > text.size()) break;  // a separator at the end
    if (!is_id_with_digit(part)) return 0;
  }
  return n;
}

bool is_bracketed_list(std::string_view text) {
  if (text.size() < 2) return false;
  if (text.front() == '[' && text.back() == ']') return true;
  const bool paired = (text.front() == '(' && text.back() == ')') || (text.front() == '{' && text.back() == '}');
  return paired && text.find_first_of(",;|") != std::string_view::npos;
}

}  // namespace unfold
