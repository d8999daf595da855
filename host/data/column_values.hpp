// What the values of a table's columns look like, in the sample of its lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/table_sample.hpp"
#include "host/data/value_kinds.hpp"

namespace unfold {

class ColumnValues {
 public:
  // `first_is_data`: the table's first line is no header.
  ColumnValues(const SampleTable& table, bool first_is_data);

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
  // The first value that satisfies `test`, and the first that fails it.
  template <typename Test>
  std::string_view first_with(std::size_t column, Test test) const {
    for (const auto* line : lines_) {
      if (column < line->size() && test((*line)[column])) return (*line)[column];
    }
    return {};
  }
  template <typename Test>
  std::string_view first_not(std::size_t column, Test test) const {
    return first_with(column, [&](std::string_view text) { return !test(text); });
  }
  std::string_view first(std::size_t column) const;

  // Some are numbers, and those are all too large for a rating.
  bool all_numbers_are_times(std::size_t column) const;
  // Each value is by one larger than the one before: numbers of lines.
  bool is_counter(std::size_t column) const;
  // Dates or times of day in any notation, or integers that are all Unix times (s, ms, us or ns) or dates without
  // dashes.
  bool looks_like_times(std::size_t column) const;
  // Integers that are dates without dashes: 20200131, 20200131235959.
  bool looks_like_compact_dates(std::size_t column) const;
  // Times where ratings are expected: a few such numbers are enough.
  bool looks_like_times_for_ratings(std::size_t column) const;
  // How many units a second has in most of a column's Unix times, 0 where they tell nothing.
  std::int64_t time_units(std::size_t column) const;
  // A few small numbers again and again, as stars are.
  bool looks_like_stars(std::size_t column) const;
  // Numbers of which several have a fraction, as no ids have.
  bool looks_like_measures(std::size_t column) const;
  // Several ids in one value: 5|9|12, [5, 9].
  bool looks_like_lists(std::size_t column) const;
  // Running text in both columns: many words, and hardly a value that comes again.
  bool look_like_sentences(std::size_t column, std::size_t other) const;
  // Products of Amazon: ten letters and digits; and its customers.
  bool looks_like_asins(std::size_t column) const;
  bool looks_like_amazon_users(std::size_t column) const;
  // Whole numbers, some perhaps written as decimals: 7 and 7.0.
  bool are_whole_numbers(std::size_t column) const;
  bool all_equal(std::size_t column) const;
  // The same word in enough lines to tell. A number may be the first of a file in the order of its ids.
  bool is_constant_word(std::size_t column) const;
  // Equal values follow each other, as ids do in a file in their order.
  bool is_grouped(std::size_t column) const;

 private:
  // Six digits each that are months (201912) or days (191231).
  bool looks_like_short_dates(std::size_t column) const;
  std::size_t n_distinct(std::size_t column) const;

  std::vector<const std::vector<std::string_view>*> lines_;
};

}  // namespace unfold
