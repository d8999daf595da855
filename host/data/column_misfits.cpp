#include "host/data/column_misfits.hpp"

#include <fmt/format.h>

#include "host/data/number.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

std::string looks_like(std::size_t column, const char* what, std::string_view example) {
  return fmt::format("column {} looks like {} ({})", column + 1, what, in_quotes(example));
}

// By position: what cannot be told from the column alone.
std::string user_misfit(const std::array<int, 4>& columns, const ColumnValues& values) {
  const auto user = static_cast<std::size_t>(columns[0]), item = static_cast<std::size_t>(columns[1]);
  if (values.looks_like_asins(user) && values.looks_like_amazon_users(item)) {
    return fmt::format("columns {} and {} look like a product and a customer of Amazon ({})", user + 1, item + 1,
                       in_quotes(values.first(user)));
  }
  // Few users have small numbers, too: then the ratings tell.
  const int rating = columns[2];
  const bool may_be_item = !values.nearly_all(item, is_event);
  if (rating != kNoColumn && may_be_item && !values.is_grouped(user) && values.looks_like_stars(user)) {
    const auto n = static_cast<std::size_t>(rating);
    if (values.nearly_all(n, is_whole_number) && !values.looks_like_stars(n)) {
      return looks_like(user, "ratings", values.first(user)) + fmt::format(", and column {} less so", n + 1);
    }
  }
  if (columns[2] == kNoColumn && columns[3] == kNoColumn && values.look_like_sentences(user, item)) {
    return fmt::format("the lines look like running text ({})", in_quotes(values.first(user)));
  }
  return "";
}

std::string item_misfit(const std::array<int, 4>& columns, const ColumnValues& values, const ImportOptions& options) {
  const auto item = static_cast<std::size_t>(columns[1]);
  if (values.looks_like_stars(item) && !values.is_grouped(item) && !values.looks_like_stars(item + 1)) {
    return looks_like(item, "ratings", values.first(item));
  }
  const bool is_pair = columns[2] == kNoColumn && columns[3] == kNoColumn;
  if (!is_pair && !options.known_ids && values.is_constant_word(item)) {
    return fmt::format("column {} holds the same in every line ({})", item + 1, in_quotes(values.first(item)));
  }
  return "";
}

std::string id_misfit(Role role, std::size_t column, const ColumnValues& values, const ImportOptions& options) {
  const std::string_view example = values.first(column);
  if (values.looks_like_times(column)) return looks_like(column, "times", example);
  const bool may_count = role == Role::kUser || !values.all_equal(0);
  if (!options.known_ids && may_count && values.is_counter(column)) {
    return fmt::format("column {} looks like the lines' numbers ({}, ...)", column + 1, in_quotes(example));
  }
  if (values.nearly_all(column, is_event)) return looks_like(column, "what users did, and no ids", example);
  if (values.looks_like_measures(column)) {
    return looks_like(column, "ratings or other measures", values.first_with(column, has_fraction));
  }
  return "";
}

}  // namespace

std::string rating_misfit(const ColumnValues& values, std::size_t column) {
  if (values.looks_like_times_for_ratings(column)) {
    return fmt::format("{} looks like a time and not like a rating", in_quotes(values.first(column)));
  }
  if (values.mostly(column, is_number)) return "";
  const std::string_view example = values.first_not(column, is_number);
  return fmt::format("{} is not a number{}", in_quotes(example),
                     has_decimal_comma(example) ? "; write a decimal point for the comma" : "");
}

std::string time_misfit(const ColumnValues& values, std::size_t column) {
  if (values.looks_like_compact_dates(column)) {
    return fmt::format("{} looks like a date without dashes, and would be read as seconds; write 2020-01-31{}",
                       in_quotes(values.first(column)), values.first(column).size() > 8 ? "T23:59:59" : "");
  }
  if (values.mostly(column, is_time)) return "";
  const auto is_time_or_missing = [](std::string_view text) { return is_time(text) || is_missing(text); };
  const std::string_view example = values.first_not(column, is_time_or_missing);
  return fmt::format("{} is not a time (Unix seconds, or a date like 2020-01-31 or 2020-01-31T23:59:59Z)",
                     in_quotes(example.empty() ? values.first_not(column, is_time) : example));
}

std::string position_misfit(Role role, const std::array<int, 4>& columns, const ColumnValues& values,
                            const ImportOptions& options) {
  const auto column = static_cast<std::size_t>(columns[static_cast<std::size_t>(role)]);
  const std::string example = in_quotes(values.first(column));
  if (role == Role::kRating) {
    if (values.looks_like_times_for_ratings(column)) return looks_like(column, "times", values.first(column));
    if (values.mostly(column, is_number) && !values.all_numbers_are_times(column)) return "";
    return fmt::format("column {} does not look like ratings ({})", column + 1, example);
  }
  if (role == Role::kTime) {
    if (values.looks_like_compact_dates(column)) {
      return fmt::format("column {}: {}", column + 1, time_misfit(values, column));
    }
    if (values.mostly(column, is_clear_time)) return "";
    return fmt::format("column {} does not look like times ({})", column + 1, example);
  }
  const std::string reason = id_misfit(role, column, values, options);
  if (!reason.empty()) return reason;
  return role == Role::kUser ? user_misfit(columns, values) : item_misfit(columns, values, options);
}

void refuse_lists(const InputFormat& format, const ColumnValues& values, std::size_t column,
                  const std::string& source) {
  if (!values.looks_like_lists(column)) return;
  const auto is_list = [](std::string_view text) { return is_bracketed_list(text) || n_ids(text) > 1; };
  const std::string name =
      format.has_header ? fmt::format("'{}'", escaped(format.header[column])) : std::to_string(column + 1);
  throw DataError(fmt::format(
      "{}: column {} holds lists of ids ({}), and each list would be one id; write a line for each user and item, or "
      "lines of a user and the user's items: tr ',;|\"()[]{{}}\\t' ' ' < FILE > lists.txt, and pass --format adjacency "
      "(where a list is one id: --columns user=N,item=N)",
      source, name, in_quotes(values.first_with(column, is_list))));
}

}  // namespace unfold
