// The first lines of a table, and how evenly a separator parts them.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "host/data/field_splitter.hpp"

namespace unfold {

// The whole lines in a sample, at most 2000, without blank ones. A sample without a line's end gives one line.
// `complete`: the sample is all of the text.
std::vector<std::string_view> sample_lines(std::string_view sample, bool complete);

// Splits the record that begins at lines[n], and moves n behind it. A quoted field may go on in the lines after; where
// it does not end soon, the line is a record by itself. The lines are views of one text, in its order.
FieldSplitter::Status split_record(const std::vector<std::string_view>& lines, std::size_t& n, FieldSplitter& splitter);

// How many records have how many columns.
struct ColumnCounts {
  std::size_t n_records = 0;
  std::size_t modal = 0;     // the count that most records have, two or more; 0 where none has
  std::size_t of_modal = 0;  // records that have it
  std::size_t distinct = 0;
  std::size_t largest = 0;
};
ColumnCounts count_columns(const std::vector<std::string_view>& lines, Format format, const FieldRules& rules = {});

// The separators (no blanks) that part the lines about as evenly as the best one does, and at least half of them alike:
// what stands in a name now and then parts them unevenly. First those that come first in a line.
std::vector<Format> even_separators(const std::vector<std::string_view>& lines, const FieldRules& rules = {});

// Whether each separator in the lines has a blank behind it.
bool blanks_follow_separators(const std::vector<std::string_view>& lines, Format format);

// The first lines of a table, split. All views stay valid as long as the sample and the splitters.
struct SampleTable {
  std::vector<std::string_view> first;               // the first record, a header or not
  std::vector<std::vector<std::string_view>> lines;  // the records after it that have as many columns as most
};
SampleTable split_table(const std::vector<std::string_view>& lines, Format format, const FieldRules& rules,
                        std::size_t n_columns, std::vector<FieldSplitter>& splitters);

}  // namespace unfold
