#include "host/data/column_roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "host/data/escaped.hpp"
#include "host/data/number.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Names of columns as normalized_name() writes them, the surest first.
const std::initializer_list<std::string_view> kUserNames = {
    "user",       "userid",   "uid",        "usr",       "useridx",  "userindex", "customer",
    "customerid", "reviewer", "reviewerid", "member",    "memberid", "visitor",   "visitorid",
    "person",     "personid", "account",    "accountid", "session",  "sessionid"};
const std::initializer_list<std::string_view> kItemNames = {
    "item",     "itemid",     "iid",        "itemidx",  "itemindex", "movie",  "movieid", "product", "productid",
    "artist",   "artistid",   "book",       "bookid",   "song",      "songid", "track",   "trackid", "anime",
    "animeid",  "game",       "gameid",     "recipe",   "recipeid",  "video",  "videoid", "article", "articleid",
    "business", "businessid", "parentasin", "asin",     "isbn",      "sku",    "app",     "appid",   "poi",
    "poiid",    "venue",      "venueid",    "location", "locationid"};
const std::initializer_list<std::string_view> kRatingNames = {
    "rating", "ratings", "score", "stars", "overall", "userrating", "bookrating", "reviewscore", "value"};
const std::initializer_list<std::string_view> kTimeNames = {
    "timestamp", "time", "unixtime", "unixreviewtime", "ratingtimestamp", "datetime", "date", "createdat", "ratedat"};

const std::initializer_list<std::string_view>& names_of(Role role) {
  switch (role) {
    case Role::kUser:
      return kUserNames;
    case Role::kItem:
      return kItemNames;
    case Role::kRating:
      return kRatingNames;
    default:
      return kTimeNames;
  }
}

bool is_number(std::string_view text) {
  float value = 0;
  return parse_rating(text, value) == NumberStatus::kOk;
}

bool is_time(std::string_view text) {
  std::int64_t seconds = 0;
  return parse_time(text, seconds);
}

// Too large for a rating, right for Unix seconds since 1973.
bool is_large_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && value >= 100'000'000;
}

// Surely a time: a date, or a number that is too large for anything else.
bool is_clear_time(std::string_view text) { return is_large_integer(text) || (is_time(text) && !is_number(text)); }

// Looks at the data lines of a table.
class Samples {
 public:
  Samples(const SampleTable& table, bool first_is_data) : table_(table), first_is_data_(first_is_data) {}

  // How many values of a column satisfy `test`. The first line may have another number of columns than the others.
  template <typename Test>
  std::size_t count(std::size_t column, Test test) const {
    const auto passes = [&](const std::vector<std::string_view>& line) {
      return column < line.size() && test(line[column]) ? std::size_t{1} : std::size_t{0};
    };
    std::size_t n = first_is_data_ ? passes(table_.first) : 0;
    for (const auto& line : table_.lines) n += passes(line);
    return n;
  }
  // True for half of the values or more: a few bad ones are for the import to report.
  template <typename Test>
  bool mostly(std::size_t column, Test test) const {
    const std::size_t all = count(column, [](std::string_view) { return true; });
    return 2 * count(column, test) >= all && all > 0;
  }
  bool all_numbers_are_times(std::size_t column) const {
    const std::size_t numbers = count(column, is_number);
    return numbers > 0 && count(column, is_large_integer) == numbers;
  }

 private:
  const SampleTable& table_;
  bool first_is_data_;
};

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
    format.columns[static_cast<std::size_t>(role)] = column;
  }
}

bool is_taken(const InputFormat& format, int column) {
  return std::find(format.columns.begin(), format.columns.end(), column) != format.columns.end();
}

int find_by_role(const InputFormat& format, Role role) {
  return find_column_of(format.header, role, [&format](int column) { return !is_taken(format, column); });
}

void assign_by_name(InputFormat& format, const Samples& samples) {
  for (const Role role : kRoles) {
    int& column = format.columns[static_cast<std::size_t>(role)];
    if (column != kNoColumn) continue;
    column = find_by_role(format, role);
    // A column called time may hold weekdays.
    if (role == Role::kTime && column != kNoColumn && !samples.mostly(static_cast<std::size_t>(column), is_time)) {
      column = kNoColumn;
    }
  }
}

void assign_by_position(InputFormat& format, const Samples& samples, const std::string& source) {
  std::array<int, 4> usual = {0, 1, kNoColumn, kNoColumn};
  if (format.n_columns == 3) {
    const bool times =
        samples.all_numbers_are_times(2) || (!samples.mostly(2, is_number) && samples.mostly(2, is_time));
    usual[times ? 3 : 2] = 2;
  } else if (format.n_columns >= 4) {
    usual = {0, 1, 2, 3};
    if (format.n_columns > 4 && (!samples.mostly(2, is_number) || !samples.mostly(3, is_clear_time))) {
      throw DataError(
          fmt::format("{}: {} columns, no header, and columns 3 and 4 do not look like rating and time; say "
                      "which is which: --columns user=1,item=2",
                      source, format.n_columns));
    }
  }
  for (std::size_t role = 0; role < usual.size(); ++role) {
    if (format.columns[role] == kNoColumn && !is_taken(format, usual[role])) format.columns[role] = usual[role];
  }
}

}  // namespace

std::string normalized_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '_' || c == ' ' || c == '-' || c == '.') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

std::string list_columns(const InputFormat& format) {
  if (!format.has_header) return fmt::format("the columns are 1 to {}, and there is no header", format.n_columns);
  std::vector<std::string> names;
  constexpr std::size_t kMaxListed = 30;
  for (std::size_t n = 0; n < std::min(format.header.size(), kMaxListed); ++n)
    names.push_back(in_quotes(format.header[n]));
  return fmt::format("the columns are {}{}", fmt::join(names, ", "), format.header.size() > kMaxListed ? ", ..." : "");
}

int find_named_column(const std::vector<std::string>& header, const std::string& name) {
  const auto exact = std::find(header.begin(), header.end(), name);
  if (exact != header.end()) return static_cast<int>(exact - header.begin());
  const auto same = [&](const std::string& other) { return normalized_name(other) == normalized_name(name); };
  const auto similar = std::find_if(header.begin(), header.end(), same);
  return similar == header.end() ? kNoColumn : static_cast<int>(similar - header.begin());
}

bool parse_column_number(const std::string& text, std::size_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

int find_column_of(const std::vector<std::string>& header, Role role, const std::function<bool(int)>& is_free) {
  for (const std::string_view name : names_of(role)) {
    for (int n = 0; n < static_cast<int>(header.size()); ++n) {
      if (normalized_name(header[static_cast<std::size_t>(n)]) == name && is_free(n)) return n;
    }
  }
  return kNoColumn;
}

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
  std::size_t n_known = 0;
  for (const Role role : kRoles) {
    const auto& names = names_of(role);
    const auto known = [&](const std::string& field) {
      return std::find(names.begin(), names.end(), normalized_name(field)) != names.end();
    };
    n_known += std::any_of(first.begin(), first.end(), known) ? 1 : 0;
  }
  if (n_known >= 2) return true;
  const Samples samples(table, false);
  for (std::size_t n = 0; n < table.first.size() && !table.lines.empty(); ++n) {
    if (10 * samples.count(n, is_number) >= 9 * table.lines.size()) return true;
  }
  return false;
}

void assign_columns(InputFormat& format, const SampleTable& table, const ImportOptions& options,
                    const std::string& source) {
  const Samples samples(table, !format.has_header);
  assign_given(format, options, source);
  // Naming both users and items says all there is to say.
  const bool all_given = options.columns.count("user") > 0 && options.columns.count("item") > 0;
  if (!all_given && format.has_header) assign_by_name(format, samples);
  if (!all_given && !format.has_header) assign_by_position(format, samples, source);
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (format.column(role) != kNoColumn) continue;
    throw DataError(
        fmt::format("{}: no column for the {}s is known by its name; {}; say which is which: --columns "
                    "user=NAME,item=NAME (without a header: --header no)",
                    source, role_name(role), list_columns(format)));
  }
}

}  // namespace unfold
