#include "host/data/column_roles.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/data/column_misfits.hpp"
#include "host/data/column_names.hpp"
#include "host/data/column_notes.hpp"
#include "host/data/column_values.hpp"
#include "host/data/number.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

std::size_t index(Role role) { return static_cast<std::size_t>(role); }

int find_given(const InputFormat& format, const std::string& role, const std::string& given,
               const std::string& source) {
  const int named = find_named_column(format.header, given);
  if (named != kNoColumn) return named;
  std::size_t number = 0;
  if (parse_column_number(given, number) && number >= 1 && number <= format.n_columns) {
    return static_cast<int>(number - 1);
  }
  throw DataError(fmt::format("{}: there is no column {} (asked for by --columns {}={}); {}", source, in_quotes(given),
                              role, given, list_columns(format)));
}

void assign_given(InputFormat& format, const ImportOptions& options, const std::string& source) {
  for (const Role role : kRoles) {
    const auto given = options.columns.find(role_name(role));
    if (given == options.columns.end()) continue;
    const int column = find_given(format, given->first, given->second, source);
    for (const int other : format.columns) {
      if (other != column) continue;
      throw DataError(fmt::format("{}: --columns gives the column {} two roles; {}", source, in_quotes(given->second),
                                  list_columns(format)));
    }
    format.columns[index(role)] = column;
  }
}

// The roles found so far, as --columns takes them.
std::string columns_option(const InputFormat& format) { return "--columns " + format.columns_text(); }

// The first column whose name tells the role and whose values can be read. One whose name tells it and whose values
// cannot be read is an error: to leave it out takes a word of the user's.
void assign_readable(InputFormat& format, const ColumnValues& values, Role role, const std::string& source) {
  std::string first_misfit;
  for (const int column : find_columns_of(format.header, role)) {
    if (format.is_taken(column)) continue;
    const auto n = static_cast<std::size_t>(column);
    if (values.count(n, [](std::string_view) { return true; }) == 0) continue;  // the lines end before it
    const std::string misfit = role == Role::kTime ? time_misfit(values, n) : rating_misfit(values, n);
    if (misfit.empty()) {
      format.columns[index(role)] = column;
      return;
    }
    if (first_misfit.empty()) first_misfit = fmt::format("column '{}': {}", escaped(format.header[n]), misfit);
  }
  if (first_misfit.empty()) return;
  throw DataError(fmt::format("{}: {}; mend the column, or say which columns to read without it: {}", source,
                              first_misfit, columns_option(format)));
}

void assign_by_name(InputFormat& format, const ColumnValues& values, const std::string& source) {
  for (const Role role : {Role::kUser, Role::kItem}) {
    int& column = format.columns[index(role)];
    if (column != kNoColumn) continue;
    column = find_column_of(format.header, role, [&format](int other) { return !format.is_taken(other); });
    if (column != kNoColumn) refuse_lists(format, values, static_cast<std::size_t>(column), source);
  }
  // Without users and items the error is about those.
  if (format.column(Role::kUser) == kNoColumn || format.column(Role::kItem) == kNoColumn) return;
  for (const Role role : {Role::kRating, Role::kTime}) {
    if (format.column(role) == kNoColumn) assign_readable(format, values, role, source);
  }
}

std::array<int, 4> usual_columns(const InputFormat& format, const ColumnValues& values, const std::string& source) {
  if (format.n_columns == 2) return {0, 1, kNoColumn, kNoColumn};
  if (format.n_columns > 3) return {0, 1, 2, 3};
  if (values.all_numbers_are_times(2) || (!values.mostly(2, is_number) && values.mostly(2, is_time))) {
    return {0, 1, kNoColumn, 2};
  }
  const bool decimal_commas = values.mostly(2, has_decimal_comma);
  if (decimal_commas || values.mostly(2, is_number)) return {0, 1, 2, kNoColumn};
  throw DataError(fmt::format(
      "{}: 3 columns, no header, and column 3 looks neither like ratings nor like times ({}); say which is which by "
      "their numbers, as in --columns user=1,item=2",
      source, in_quotes(values.first_not(2, is_number))));
}

void assign_by_position(InputFormat& format, const ColumnValues& values, const ImportOptions& options,
                        const std::string& source) {
  if (format.n_columns > 4 && (!values.mostly(2, is_number) || !values.mostly(3, is_clear_time))) {
    throw DataError(
        fmt::format("{}: {} columns, no header, and columns 3 and 4 do not look like rating and time; say "
                    "which is which by their numbers, as in --columns user=1,item=2",
                    source, format.n_columns));
  }
  const std::array<int, 4> usual = usual_columns(format, values, source);
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (format.column(role) == kNoColumn) refuse_lists(format, values, index(role), source);
  }
  const bool decimal_commas = format.n_columns == 3 && usual[2] == 2 && values.mostly(2, has_decimal_comma);
  for (const Role role : kRoles) {
    int& column = format.columns[index(role)];
    if (column != kNoColumn || usual[index(role)] == kNoColumn || format.is_taken(usual[index(role)])) continue;
    column = usual[index(role)];
    if (role == Role::kRating && decimal_commas) continue;  // the import says what to write
    const std::string reason = position_misfit(role, usual, values, options);
    if (reason.empty()) continue;
    throw DataError(
        fmt::format("{}: {} columns, no header, and {}; say which is which by their numbers: --columns user=N,item=N "
                    "and, where there are such, rating=N,time=N",
                    source, format.n_columns, reason));
  }
}

// Ids that are whole numbers are so in every spelling: 7.0 is 7, wherever in the file it comes.
void find_whole_ids(InputFormat& format, const ColumnValues& values) {
  for (const Role role : {Role::kUser, Role::kItem}) {
    format.whole_ids[index(role)] = values.are_whole_numbers(static_cast<std::size_t>(format.column(role)));
  }
}

[[noreturn]] void fail_without(Role role, const InputFormat& format, const ColumnValues& values,
                               const std::string& source) {
  for (std::size_t n = 0; n < format.n_columns; ++n) refuse_lists(format, values, n, source);
  throw DataError(
      fmt::format("{}: no column for the {}s is known by its name; {}; say which is which: --columns "
                  "user=NAME,item=NAME (without a header: --header no)",
                  source, role_name(role), list_columns(format)));
}

}  // namespace

const char* role_name(Role role) {
  switch (role) {
    case Role::kUser:
      return "user";
    case Role::kItem:
      return "item";
    case Role::kRating:
      return "rating";
    default:
      return "time";
  }
}

void check_roles(const ImportOptions& options) {
  for (const auto& [role, column] : options.columns) {
    const auto known = [&role = role](Role other) { return role == role_name(other); };
    if (std::any_of(kRoles.begin(), kRoles.end(), known)) continue;
    throw UsageError(fmt::format("--columns {}={}: {} is no role; roles are user, item, rating and time", role, column,
                                 in_quotes(role)));
  }
}

bool has_header(const SampleTable& table, const ImportOptions& options, const std::string& source) {
  if (options.header == "yes" || options.header == "no") return options.header == "yes";
  const bool any_number = std::any_of(table.first.begin(), table.first.end(), is_number);
  const std::vector<std::string> first(table.first.begin(), table.first.end());
  bool unknown_name = false;
  for (const auto& [role, given] : options.columns) {
    if (find_named_column(first, given) != kNoColumn && !any_number) return true;
    std::size_t number = 0;
    unknown_name = unknown_name || !parse_column_number(given, number);
  }
  if (any_number) {
    if (!unknown_name) return false;
    throw DataError(
        fmt::format("{}: --columns names a column, but the first line holds numbers and is no header; give "
                    "the columns' numbers (1 to {}), or pass --header yes",
                    source, first.size()));
  }
  if (unknown_name) return true;
  // One known word may be an id; two are a header.
  if (count_known_roles(first) >= 2) return true;
  const ColumnValues values(table, false);
  for (std::size_t n = 0; n < table.first.size() && !table.lines.empty(); ++n) {
    if (10 * values.count(n, is_number) >= 9 * table.lines.size()) return true;
  }
  return false;
}

void assign_columns(InputFormat& format, const SampleTable& table, const ImportOptions& options,
                    const std::string& source) {
  const ColumnValues values(table, !format.has_header || format.header_is_comment);
  assign_given(format, options, source);
  // Naming both users and items says all there is to say.
  const bool all_given = options.columns.count("user") > 0 && options.columns.count("item") > 0;
  if (!all_given && format.has_header) assign_by_name(format, values, source);
  if (!all_given && !format.has_header) assign_by_position(format, values, options, source);
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (format.column(role) == kNoColumn) fail_without(role, format, values, source);
  }
  find_whole_ids(format, values);
  if (format.column(Role::kTime) != kNoColumn) {
    format.time_units = values.time_units(static_cast<std::size_t>(format.column(Role::kTime)));
  }
  note_columns(format, values, all_given);
}

}  // namespace unfold
