#include "host/data/record_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/data/column_names.hpp"
#include "host/data/number.hpp"
#include "host/data/value_kinds.hpp"
#include "host/text/escaped.hpp"

namespace unfold {
namespace {

const char* name_of_units(std::int64_t units_per_second) {
  return units_per_second == 1           ? "seconds"
         : units_per_second == 1'000     ? "milliseconds"
         : units_per_second == 1'000'000 ? "microseconds"
                                         : "nanoseconds";
}

}  // namespace

RecordParser::RecordParser(const InputFormat& format) : format_(format), splitter_(format.format, format.rules) {}

bool RecordParser::parse(std::string_view line) {
  if (format_.format != Format::kAdjacency) return pending_ = parse_columns(line);
  pending_ = false;
  more_items_ = line;
  record_.user = take_word(more_items_);
  return true;
}

bool RecordParser::next(Record& record) {
  if (format_.format == Format::kAdjacency) {
    record_.item = take_word(more_items_);
    pending_ = !record_.item.empty();
  }
  if (!pending_) return false;
  record = record_;
  pending_ = false;
  return true;
}

bool RecordParser::parse_columns(std::string_view line) {
  const FieldSplitter::Status status = splitter_.split(line);
  is_open_ = status == FieldSplitter::Status::kOpenQuote;
  names_other_columns_ = false;
  if (status != FieldSplitter::Status::kOk) return fail_split(status);
  if (!has_all_columns()) return fail_count();
  if (format_.has_header && is_header()) {
    names_other_columns_ = !std::equal(format_.header.begin(), format_.header.end(), splitter_.fields().begin());
    error_ = names_other_columns_ ? "the line names the columns in another order than the first line; import the lines "
                                    "from here on from a file of their own"
                                  : "the line with the columns' names stands here again";
    return false;
  }
  return parse_id(Role::kUser, record_.user) && parse_id(Role::kItem, record_.item) && parse_rating_column() &&
         parse_time_column();
}

// A separator at the end of the line begins no column.
bool RecordParser::has_all_columns() const {
  const std::size_t n = splitter_.fields().size();
  return n == format_.n_columns || (n == format_.n_columns + 1 && splitter_.fields().back().empty());
}

bool RecordParser::is_header() const {
  const auto is_name = [&](Role role) {
    return std::ranges::find(format_.header, field(role)) != format_.header.end();
  };
  return is_name(Role::kUser) && is_name(Role::kItem);
}

bool RecordParser::is_heading(std::string_view line) {
  if (splitter_.split(line) != FieldSplitter::Status::kOk) return false;
  return count_known_roles({splitter_.fields().begin(), splitter_.fields().end()}) >= 2;
}

bool RecordParser::fail_split(FieldSplitter::Status status) {
  error_ = splitter_.describe(status) + "; where quotes are characters like any other, pass --quote none";
  return false;
}

bool RecordParser::fail_count() {
  const std::size_t n = splitter_.fields().size();
  error_ = fmt::format("{} {} where {} are expected", n, n == 1 ? "column" : "columns", format_.n_columns);
  if (format_.format == Format::kSpace) error_ += " (for lists of items, user item item ..., pass --format adjacency)";
  const auto holds_cr = [](std::string_view text) { return text.find('\r') != std::string_view::npos; };
  if (std::ranges::any_of(splitter_.fields(), holds_cr)) {
    error_ += " (it holds CR, which ends lines only in a file without LF: tr '\\r' '\\n' < FILE > ratings.csv)";
  }
  return false;
}

bool RecordParser::parse_id(Role role, std::string_view& id) {
  id = field(role);
  if (is_missing(id)) {
    error_ = id.empty() ? fmt::format("{}: the {} id is empty", format_.column_label(role), role_name(role))
                        : fmt::format("{}: {} stands for a missing {} id", format_.column_label(role), in_quotes(id),
                                      role_name(role));
    return false;
  }
  if (id.find('\n') != std::string_view::npos) {
    error_ = fmt::format("{}: the {} id {} holds a line break, which no id may", format_.column_label(role),
                         role_name(role), in_quotes(id));
    return false;
  }
  if (is_cut_number(id)) {
    error_ = fmt::format(
        "{}: {} is no {} id but a number that a program shortened: digits are lost; write the file "
        "again with ids as text",
        format_.column_label(role), in_quotes(id), role_name(role));
    return false;
  }
  if (format_.whole_ids[static_cast<std::size_t>(role)] && is_whole_decimal(id)) {
    id.remove_suffix(2);
    has_whole_decimals_[static_cast<std::size_t>(role)] = true;
  }
  return true;
}

bool RecordParser::parse_rating_column() {
  if (format_.column(Role::kRating) == kNoColumn) return true;
  const std::string_view text = field(Role::kRating);
  const NumberStatus status = parse_rating(text, record_.rating);
  if (status == NumberStatus::kOk) return true;
  const char* reason = status == NumberStatus::kNotFinite ? "is not a finite number"
                       : has_decimal_comma(text)          ? "is not a number; write a decimal point for the comma"
                                                          : "is not a number";
  error_ = fmt::format("{}: {} {}", format_.column_label(Role::kRating), in_quotes(text), reason);
  return false;
}

bool RecordParser::parse_time_column() {
  if (format_.column(Role::kTime) == kNoColumn) return true;
  const std::string_view text = field(Role::kTime);
  if (parse_time(text, record_.time)) return is_in_time_units(text);
  error_ = fmt::format("{}: {} is not a time (Unix seconds, or a date like 2020-01-31 or 2020-01-31T23:59:59Z)",
                       format_.column_label(Role::kTime), in_quotes(text));
  return false;
}

// A time of other units than most are would be thousands of years before or after them.
bool RecordParser::is_in_time_units(std::string_view text) {
  if (format_.time_units == 0) return true;
  const std::int64_t units = unix_time_units(record_.time);
  if (units == 0 || units == format_.time_units) return true;
  error_ = fmt::format("{}: {} counts {}, and most times in the column count {}; write all alike",
                       format_.column_label(Role::kTime), in_quotes(text), name_of_units(units),
                       name_of_units(format_.time_units));
  return false;
}

}  // namespace unfold
