// The first lines of a table, and the separator that parts its columns.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "host/data/field_splitter.hpp"

namespace unfold {

// The whole lines in a sample, at most 2000, without blank ones. A sample without a line's end gives one line.
// `complete`: the sample is all of the text.
std::vector<std::string_view> sample_lines(std::string_view sample, bool complete);

// How many lines have how many columns.
struct ColumnCounts {
  std::size_t modal = 0;     // the count that most lines have
  std::size_t of_modal = 0;  // lines that have it
  std::size_t distinct = 0;
  std::size_t largest = 0;
};
ColumnCounts count_columns(const std::vector<std::string_view>& lines, Format format);

// Whether the first line has to have as many columns as most.
enum class FirstLine { kAny, kLikeMost };

// The separator that gives at least half of the lines the same number of columns, two or more; among several the one
// with the most columns. None for words parted by blanks.
std::optional<Format> find_separator(const std::vector<std::string_view>& lines, FirstLine first_line);

// The first lines of a table, split. All views stay valid as long as the sample and the splitters.
struct SampleTable {
  std::vector<std::string_view> first;               // the first line, a header or not
  std::vector<std::vector<std::string_view>> lines;  // the lines after it that have as many columns as most
};
SampleTable split_table(const std::vector<std::string_view>& lines, Format format, std::size_t n_columns,
                        std::vector<FieldSplitter>& splitters);

}  // namespace unfold
