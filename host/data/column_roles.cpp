#include "host/data/column_roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/data/column_names.hpp"
#include "host/data/column_values.hpp"
#include "host/text/escaped.hpp"
#include "host/data/number.hpp"
#include "host/data/record_parser.hpp"
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

bool is_taken(const InputFormat& format, int column) {
  return std::find(format.columns.begin(), format.columns.end(), column) != format.columns.end();
}

// What is wrong with reading a column as times; empty where nothing is.
std::string time_misfit(const ColumnValues& values, std::size_t column) {
  if (values.looks_like_dates_without_dashes(column)) {
    return fmt::format("{} looks like a date without dashes, and would be read as seconds; write 2020-01-31",
                       in_quotes(values.first(column)));
  }
  if (values.mostly(column, is_time)) return "";
  const auto is_time_or_missing = [](std::string_view text) { return is_time(text) || is_missing(text); };
  const std::string_view example = values.first_not(column, is_time_or_missing);
  return fmt::format("{} is not a time (Unix seconds, or a date like 2020-01-31 or 2020-01-31T23:59:59Z)",
                     in_quotes(example.empty() ? values.first_not(column, is_time) : example));
}

std::string rating_misfit(const ColumnValues& values, std::size_t column) {
  if (values.mostly(column, is_number)) return "";
  const std::string_view example = values.first_not(column, is_number);
  return fmt::format("{} is not a number{}", in_quotes(example),
                     has_decimal_comma(example) ? "; write a decimal point for the comma" : "");
}

// The roles found so far, as --columns takes them.
std::string columns_option(const InputFormat& format) { return "--columns " + format.columns_text(); }

// The first column whose name tells the role and whose values can be read. One whose name tells it and whose values
// cannot be read is an error: to leave it out takes a word of the user's.
void assign_readable(InputFormat& format, const ColumnValues& values, Role role, const std::string& source) {
  std::string first_misfit;
  for (const int column : find_columns_of(format.header, role)) {
    if (is_taken(format, column)) continue;
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
    column = find_column_of(format.header, role, [&format](int other) { return !is_taken(format, other); });
  }
  // Without users and items the error is about those.
  if (format.column(Role::kUser) == kNoColumn || format.column(Role::kItem) == kNoColumn) return;
  for (const Role role : {Role::kRating, Role::kTime}) {
    if (format.column(role) == kNoColumn) assign_readable(format, values, role, source);
  }
}

// What speaks against the role that a column's position gives it; empty where nothing does.
std::string misfit(Role role, std::size_t column, const ColumnValues& values, const ImportOptions& options) {
  const std::string example = in_quotes(values.first(column));
  if (role == Role::kRating) {
    if (values.mostly(column, is_number) && !values.all_numbers_are_times(column)) return "";
    return fmt::format("column {} does not look like ratings ({})", column + 1, example);
  }
  if (role == Role::kTime) {
    if (values.mostly(column, is_clear_time)) return "";
    return fmt::format("column {} does not look like times ({})", column + 1, example);
  }
  if (values.looks_like_times(column)) return fmt::format("column {} looks like times ({})", column + 1, example);
  const bool may_count = role == Role::kUser || !values.all_equal(0);
  if (!options.known_ids && may_count && values.is_counter(column)) {
    return fmt::format("column {} looks like the lines' numbers ({}, ...)", column + 1, example);
  }
  if (role == Role::kUser && values.looks_like_asins(column) && values.looks_like_amazon_users(column + 1)) {
    return fmt::format("columns 1 and 2 look like a product and a customer of Amazon ({})", example);
  }
  if (role == Role::kItem && values.looks_like_stars(column) && !values.looks_like_stars(column + 1)) {
    return fmt::format("column {} looks like ratings ({})", column + 1, example);
  }
  return "";
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
      "{}: 3 columns, no header, and column 3 looks neither like ratings nor like times ({}); say which is which: "
      "--columns user=1,item=2",
      source, in_quotes(values.first_not(2, is_number))));
}

void assign_by_position(InputFormat& format, const ColumnValues& values, const ImportOptions& options,
                        const std::string& source) {
  if (format.n_columns > 4 && (!values.mostly(2, is_number) || !values.mostly(3, is_clear_time))) {
    throw DataError(
        fmt::format("{}: {} columns, no header, and columns 3 and 4 do not look like rating and time; say "
                    "which is which: --columns user=1,item=2",
                    source, format.n_columns));
  }
  const std::array<int, 4> usual = usual_columns(format, values, source);
  const bool decimal_commas = format.n_columns == 3 && usual[2] == 2 && values.mostly(2, has_decimal_comma);
  for (const Role role : kRoles) {
    int& column = format.columns[index(role)];
    if (column != kNoColumn || usual[index(role)] == kNoColumn || is_taken(format, usual[index(role)])) continue;
    column = usual[index(role)];
    if (role == Role::kRating && decimal_commas) continue;  // the import says what to write
    const std::string reason = misfit(role, static_cast<std::size_t>(column), values, options);
    if (reason.empty()) continue;
    throw DataError(
        fmt::format("{}: {} columns, no header, and {}; say which is which by their numbers: --columns user=N,item=N "
                    "and, where there "
                    "are such, rating=N,time=N",
                    source, format.n_columns, reason));
  }
}

// Says which columns of numbers are not read: one of them may be what the user means by a rating.
void note_numbers_left_out(InputFormat& format, const ColumnValues& values) {
  std::vector<std::string> names;
  for (std::size_t n = 0; n < format.n_columns; ++n) {
    const bool named = !format.has_header || (n < format.header.size() && !format.header[n].empty());
    if (is_taken(format, static_cast<int>(n)) || !named || values.is_counter(n) || !values.nearly_all(n, is_number)) {
      continue;
    }
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

// Programs that lack whole numbers with gaps write 7 as 7.0.
void find_whole_ids(InputFormat& format, const ColumnValues& values) {
  for (const Role role : {Role::kUser, Role::kItem}) {
    const auto column = static_cast<std::size_t>(format.column(role));
    if (!values.are_whole_decimals(column)) continue;
    format.whole_ids[index(role)] = true;
    format.notes.push_back(fmt::format("{}: ids are whole numbers written as decimals ({}), and are read without .0",
                                       format.column_label(role), in_quotes(values.first(column))));
  }
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
    if (format.column(role) != kNoColumn) continue;
    throw DataError(
        fmt::format("{}: no column for the {}s is known by its name; {}; say which is which: --columns "
                    "user=NAME,item=NAME (without a header: --header no)",
                    source, role_name(role), list_columns(format)));
  }
  if (!all_given) note_numbers_left_out(format, values);
  note_small_times(format, values);
  find_whole_ids(format, values);
}

}  // namespace unfold
