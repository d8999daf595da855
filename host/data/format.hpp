// What an input file looks like: how fields are told apart, whether there is a header, and which column holds what.
// Found out from the first bytes of the text, unless the options say. docs/inputs.md has the rules.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/field_splitter.hpp"
#include "unfold/dataset.hpp"

namespace unfold {

// What a column can hold.
enum class Role { kUser, kItem, kRating, kTime };
inline constexpr std::array<Role, 4> kRoles = {Role::kUser, Role::kItem, Role::kRating, Role::kTime};
// "user", "item", "rating", "time".
const char* role_name(Role role);

inline constexpr int kNoColumn = -1;

struct InputFormat {
  Format format = Format::kCsv;
  bool has_header = false;
  std::size_t n_columns = 0;        // of every line; 0 for kAdjacency
  std::vector<std::string> header;  // names of the columns; empty without a header
  bool header_is_comment = false;   // the names stand in a comment line: every other line holds data
  char comment = '\0';              // lines that begin so are comments
  FieldRules rules;
  bool quotes_are_sure = false;        // the user says that quoted fields may go on for lines
  std::array<bool, 4> whole_ids = {};  // by role: the ids are whole numbers, and 7.0 is read as 7
  std::array<bool, 4> whole_ids_noted = {};
  std::int64_t time_units = 0;     // of the numbers in the time column, how many a second has; 0: nobody knows
  std::vector<std::string> notes;  // what the user should know of what was taken and left out
  std::size_t n_sampled = 0;       // records of the sample that should hold data
  std::size_t n_misfits = 0;       // those of them that cannot be read
  std::array<int, 4> columns = {kNoColumn, kNoColumn, kNoColumn, kNoColumn};  // by role, 0-based

  int column(Role role) const { return columns[static_cast<std::size_t>(role)]; }
  bool is_taken(int column) const { return std::ranges::find(columns, column) != columns.end(); }
  // Says, once, that ids like `example` are read without .0.
  void note_whole_ids(Role role, std::string_view example);
  // "user=userId,item=movieId,rating=rating", or with 1-based numbers where there is no header.
  std::string columns_text() const;
  // For messages: column 'movieId', or column 2 (item).
  std::string column_label(Role role) const;
};

// The bytes of text that detect_format wants to see.
inline constexpr std::size_t kSampleBytes = std::size_t{1} << 18;

// `sample` is the start of the text, `complete` whether it is all of it, `source` the file's name. Throws UsageError
// for options with unknown words, DataError where the text does not fit them or cannot be made out.
InputFormat detect_format(std::string_view sample, bool complete, const ImportOptions& options,
                          const std::string& source);

}  // namespace unfold
