#include "host/data/column_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "host/text/escaped.hpp"

namespace unfold {
namespace {

// Names of columns as normalized_name() writes them, the surest first: of a thing's id and its name, the id.
const std::initializer_list<std::string_view> kUserNames = {
    "userid",   "uid",       "useridx",  "userindex", "user",    "usr",      "customerid", "reviewerid",
    "memberid", "visitorid", "personid", "accountid", "steamid", "clientid", "customer",   "reviewer",
    "member",   "visitor",   "person",   "account",   "client",  "username", "sessionid",  "session"};
const std::initializer_list<std::string_view> kItemNames = {
    "itemid",  "iid",        "itemidx", "itemindex", "item",     "movieid", "productid", "artistid",   "bookid",
    "songid",  "trackid",    "animeid", "gameid",    "recipeid", "videoid", "articleid", "businessid", "parentasin",
    "asin",    "isbn",       "sku",     "appid",     "movie",    "product", "artist",    "book",       "song",
    "track",   "anime",      "game",    "recipe",    "video",    "article", "business",  "app",        "poiid",
    "venueid", "locationid", "poi",     "venue",     "location"};
const std::initializer_list<std::string_view> kRatingNames = {
    "rating",      "ratings", "score",  "stars",    "overall",    "userrating", "bookrating",
    "reviewscore", "value",   "weight", "count",    "counts",     "plays",      "playcount",
    "nplays",      "listens", "clicks", "nlistens", "listencount"};
const std::initializer_list<std::string_view> kTimeNames = {
    "timestamp", "time",     "unixtime", "unixreviewtime", "ratingtimestamp", "eventtime",
    "eventdate", "datetime", "date",     "tdat",           "createdat",       "ratedat"};

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

std::string_view without_type(std::string_view name) {
  for (const std::string_view type : {":token", ":token_seq", ":float", ":float_seq"}) {
    if (name.ends_with(type)) return name.substr(0, name.size() - type.size());
  }
  return name;
}

}  // namespace

std::string normalized_name(std::string_view name) {
  std::string out;
  for (const char c : without_type(name)) {
    if (c == '_' || c == ' ' || c == '-' || c == '.') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

int find_named_column(const std::vector<std::string>& header, const std::string& name) {
  const auto exact = std::find(header.begin(), header.end(), name);
  if (exact != header.end()) return static_cast<int>(exact - header.begin());
  const auto same = [&](const std::string& other) { return normalized_name(other) == normalized_name(name); };
  const auto similar = std::find_if(header.begin(), header.end(), same);
  return similar == header.end() ? kNoColumn : static_cast<int>(similar - header.begin());
}

std::vector<int> find_columns_of(const std::vector<std::string>& header, Role role) {
  std::vector<std::string> normalized;
  for (const std::string& name : header) normalized.push_back(normalized_name(name));
  std::vector<int> columns;
  for (const std::string_view name : names_of(role)) {
    for (int n = 0; n < static_cast<int>(header.size()); ++n) {
      if (normalized[static_cast<std::size_t>(n)] == name) columns.push_back(n);
    }
  }
  return columns;
}

int find_column_of(const std::vector<std::string>& header, Role role, const std::function<bool(int)>& is_free) {
  const std::vector<int> columns = find_columns_of(header, role);
  const auto found = std::find_if(columns.begin(), columns.end(), is_free);
  return found == columns.end() ? kNoColumn : *found;
}

std::size_t count_known_roles(const std::vector<std::string>& header) {
  const auto is_known = [&](Role role) { return !find_columns_of(header, role).empty(); };
  return static_cast<std::size_t>(std::count_if(kRoles.begin(), kRoles.end(), is_known));
}

bool names_user_and_item(const std::vector<std::string>& header) {
  return !find_columns_of(header, Role::kUser).empty() && !find_columns_of(header, Role::kItem).empty();
}

bool parse_column_number(const std::string& text, std::size_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

std::string list_columns(const InputFormat& format) {
  if (!format.has_header) return fmt::format("the columns are 1 to {}, and there is no header", format.n_columns);
  std::vector<std::string> names;
  constexpr std::size_t kMaxListed = 30;
  for (std::size_t n = 0; n < std::min(format.header.size(), kMaxListed); ++n)
    names.push_back(in_quotes(format.header[n]));
  return fmt::format("the columns are {}{}", fmt::join(names, ", "), format.header.size() > kMaxListed ? ", ..." : "");
}

}  // namespace unfold
