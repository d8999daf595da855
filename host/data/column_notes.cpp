#include "host/data/column_notes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/data/column_names.hpp"
#include "host/text/escaped.hpp"

namespace unfold {
namespace {

// Other columns whose names could tell users or items. Gives them.
std::vector<int> note_other_ids(InputFormat& format) {
  std::vector<int> others;
  if (!format.has_header) return others;
  for (const Role role : {Role::kUser, Role::kItem}) {
    for (const int column : find_columns_of(format.header, role)) {
      if (format.is_taken(column)) continue;
      const std::string& name = format.header[static_cast<std::size_t>(column)];
      format.notes.push_back(fmt::format("{} holds the {}s; column '{}' could, too, and is not read (--columns {}={})",
                                         format.column_label(role), role_name(role), escaped(name), role_name(role),
                                         escaped(name)));
      others.push_back(column);
    }
  }
  return others;
}

// Says which columns of numbers are not read: one of them may be what the user means by a rating.
void note_numbers_left_out(InputFormat& format, const ColumnValues& values, const std::vector<int>& noted) {
  std::vector<std::string> names;
  for (std::size_t n = 0; n < format.n_columns; ++n) {
    const bool named = !format.has_header || (n < format.header.size() && !format.header[n].empty());
    if (format.is_taken(static_cast<int>(n)) || std::ranges::find(noted, static_cast<int>(n)) != noted.end()) continue;
    if (!named || values.is_counter(n) || !values.nearly_all(n, is_number)) continue;
    names.push_back(format.has_header ? escaped(format.header[n]) : std::to_string(n + 1));
  }
  constexpr std::size_t kMaxListed = 10;
  const bool more = names.size() > kMaxListed;
  names.resize(std::min(names.size(), kMaxListed));
  if (names.empty()) return;
  format.notes.push_back(fmt::format(
      "columns of numbers that are not read: {}{}{}", fmt::join(names, ", "), more ? ", ..." : "",
      format.column(Role::kRating) == kNoColumn ? "; every rating is 1 (--columns rating=NAME reads one)" : ""));
}

// Small numbers may be seconds since 1970, numbers of events, or months and days.
void note_small_times(InputFormat& format, const ColumnValues& values) {
  const int column = format.column(Role::kTime);
  const auto is_small = [](std::string_view text) { return is_number(text) && !is_clear_time(text); };
  if (column == kNoColumn || !values.nearly_all(static_cast<std::size_t>(column), is_small)) return;
  format.notes.push_back(fmt::format("{}: numbers like {} are taken for seconds since 1970",
                                     format.column_label(Role::kTime),
                                     in_quotes(values.first(static_cast<std::size_t>(column)))));
}

void note_ids(InputFormat& format, const ColumnValues& values, Role role) {
  const auto column = static_cast<std::size_t>(format.column(role));
  if (format.whole_ids[static_cast<std::size_t>(role)]) {
    const std::string_view decimal = values.first_with(column, is_whole_decimal);
    if (!decimal.empty()) format.note_whole_ids(role, decimal);
  }
  if (values.looks_like_times(column)) {
    format.notes.push_back(fmt::format("{}: the {} ids look like times ({})", format.column_label(role),
                                       role_name(role), in_quotes(values.first(column))));
  }
}

}  // namespace

void note_columns(InputFormat& format, const ColumnValues& values, bool all_given) {
  if (!all_given) note_numbers_left_out(format, values, note_other_ids(format));
  note_small_times(format, values);
  for (const Role role : {Role::kUser, Role::kItem}) note_ids(format, values, role);
}

}  // namespace unfold
