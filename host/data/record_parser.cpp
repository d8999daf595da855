#include "host/data/record_parser.hpp"

#include <fmt/format.h>

#include "host/data/escaped.hpp"
#include "host/data/number.hpp"

namespace unfold {

RecordParser::RecordParser(const InputFormat& format) : format_(format), splitter_(format.format) {}

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
  if (status != FieldSplitter::Status::kOk) return fail_split(status);
  if (splitter_.fields().size() != format_.n_columns) return fail_count();
  return parse_id(Role::kUser, record_.user) && parse_id(Role::kItem, record_.item) && parse_rating_column() &&
         parse_time_column();
}

bool RecordParser::fail_split(FieldSplitter::Status status) {
  error_ = splitter_.describe(status);
  return false;
}

bool RecordParser::fail_count() {
  const std::size_t n = splitter_.fields().size();
  error_ = fmt::format("{} {} where {} are expected", n, n == 1 ? "column" : "columns", format_.n_columns);
  if (format_.format == Format::kSpace) error_ += " (for lists of items, user item item ..., pass --format adjacency)";
  return false;
}

bool RecordParser::parse_id(Role role, std::string_view& id) {
  id = field(role);
  if (id.empty()) {
    error_ = fmt::format("{}: the {} id is empty", format_.column_label(role), role_name(role));
    return false;
  }
  return true;
}

bool RecordParser::parse_rating_column() {
  if (format_.column(Role::kRating) == kNoColumn) return true;
  const std::string_view text = field(Role::kRating);
  const NumberStatus status = parse_rating(text, record_.rating);
  if (status == NumberStatus::kOk) return true;
  const char* reason = status == NumberStatus::kNotANumber ? "is not a number" : "is not a finite number";
  error_ = fmt::format("{}: {} {}", format_.column_label(Role::kRating), in_quotes(text), reason);
  return false;
}

bool RecordParser::parse_time_column() {
  if (format_.column(Role::kTime) == kNoColumn) return true;
  const std::string_view text = field(Role::kTime);
  if (parse_time(text, record_.time)) return true;
  error_ = fmt::format("{}: {} is not a time (Unix seconds, or a date like 2020-01-31 or 2020-01-31T23:59:59Z)",
                       format_.column_label(Role::kTime), in_quotes(text));
  return false;
}

}  // namespace unfold
