// One line of an input file to the interactions it holds: one, or a list's worth.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/data/field_splitter.hpp"
#include "host/data/format.hpp"

namespace unfold {

// One interaction, its ids as bytes of the line: valid until the parser's next line.
struct Record {
  std::string_view user;
  std::string_view item;
  float rating = 1.0f;    // 1 where there is no rating column
  std::int64_t time = 0;  // seconds since 1970; 0 where there is no time column
};

class RecordParser {
 public:
  explicit RecordParser(const InputFormat& format);

  // Reads a line. False where it holds no interaction by the format's rules: then error() says which column, what
  // value and what would be right, without the file's name and line number.
  bool parse(std::string_view line);
  // Hands out the interactions of that line, one by one; false when there are no more. A line of a list that names
  // a user and no item has none.
  bool next(Record& record);
  const std::string& error() const { return error_; }
  // After parse() gave false: whether a quoted field does not end in the line, so that it may go on in the next.
  bool is_open() const { return is_open_; }
  // After parse() gave false: whether the line names the columns, in another order than the first line. What follows it
  // would be misread.
  bool names_other_columns() const { return names_other_columns_; }
  // Whether an id of the role was read without .0.
  bool has_whole_decimals(Role role) const { return has_whole_decimals_[static_cast<std::size_t>(role)]; }
  // Whether the line names columns, by words that name a user, an item, ...
  bool is_heading(std::string_view line);
  // After parse() gave false: whether the line has more columns than a record.
  bool is_too_long() const { return splitter_.fields().size() > format_.n_columns; }

 private:
  bool parse_columns(std::string_view line);
  bool has_all_columns() const;
  bool is_header() const;
  bool fail_split(FieldSplitter::Status status);
  bool fail_count();
  bool parse_id(Role role, std::string_view& id);
  bool parse_rating_column();
  bool parse_time_column();
  bool is_in_time_units(std::string_view text);
  std::string_view field(Role role) const { return splitter_.fields()[static_cast<std::size_t>(format_.column(role))]; }

  InputFormat format_;
  FieldSplitter splitter_;
  Record record_;
  bool pending_ = false;  // record_ is to be handed out
  bool is_open_ = false;
  bool names_other_columns_ = false;
  std::array<bool, 4> has_whole_decimals_ = {};
  std::string_view more_items_;  // of a list
  std::string error_;
};

}  // namespace unfold
