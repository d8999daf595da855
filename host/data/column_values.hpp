// What the values of a table's columns look like, in the sample of its lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/table_sample.hpp"

namespace unfold {

bool is_number(std::string_view text);
bool is_time(std::string_view text);
// Too large for a rating, right for Unix seconds since 1973.
bool is_large_integer(std::string_view text);
// Surely a time: a date, or a number that is too large for anything else.
bool is_clear_time(std::string_view text);

class ColumnValues {
 public:
  // `first_is_data`: the table's first line is no header.
  ColumnValues(const SampleTable& table, bool first_is_data);

  std::size_t n_lines() const { return lines_.size(); }

  // How many values of a column satisfy `test`.
  template <typename Test>
  std::size_t count(std::size_t column, Test test) const {
    std::size_t n = 0;
    for (const auto* line : lines_)
      n += column < line->size() && test((*line)[column]) ? std::size_t{1} : std::size_t{0};
    return n;
  }
  // True for half of the values or more: a few bad ones are for the import to report.
  template <typename Test>
  bool mostly(std::size_t column, Test test) const {
    const std::size_t all = count(column, [](std::string_view) { return true; });
    return 2 * count(column, test) >= all && all > 0;
  }
  // True for nearly all of those that are not empty.
  template <typename Test>
  bool nearly_all(std::size_t column, Test test) const {
    const std::size_t all = count(column, [](std::string_view text) { return !text.empty(); });
    return 10 * count(column, [&](std::string_view text) { return !text.empty() && test(text); }) >= 9 * all && all > 0;
  }
  // The first value that fails `test`.
  template <typename Test>
  std::string_view first_not(std::size_t column, Test test) const {
    for (const auto* line : lines_) {
      if (column < line->size() && !test((*line)[column])) return (*line)[column];
    }
    return {};
  }
  std::string_view first(std::size_t column) const;

  // Some are numbers, and those are all too large for a rating.
  bool all_numbers_are_times(std::size_t column) const;
  // Each value is by one larger than the one before: numbers of lines.
  bool is_counter(std::size_t column) const;
  // Dates, or integers that are all Unix times (s, ms, us or ns) of the years from 1993 to 2040.
  bool looks_like_times(std::size_t column) const;
  // Integers that are dates without dashes: 20200131.
  bool looks_like_dates_without_dashes(std::size_t column) const;
  // A few small numbers again and again, as stars are.
  bool looks_like_stars(std::size_t column) const;
  // Products of Amazon: ten letters and digits; and its customers.
  bool looks_like_asins(std::size_t column) const;
  bool looks_like_amazon_users(std::size_t column) const;
  // 1.0, 2.0, ...: whole numbers that a program wrote as decimals.
  bool are_whole_decimals(std::size_t column) const;
  bool all_empty(std::size_t column) const;
  bool all_equal(std::size_t column) const;

 private:
  std::vector<const std::vector<std::string_view>*> lines_;
};

}  // namespace unfold
