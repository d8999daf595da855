#include "host/data/comment_header.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/data/column_names.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Names = std::vector<std::string>;

// What follows the comment's marks; and what follows a colon in it: "# columns: user, item".
std::vector<std::string_view> texts_of(std::string_view comment) {
  while (!comment.empty() && (comment[0] == '#' || comment[0] == '%')) {
    comment.remove_prefix(1);
  }
  std::vector<std::string_view> texts = {without_blanks(comment)};
  const std::size_t colon = comment.find(": ");
  if (colon != std::string_view::npos) texts.push_back(without_blanks(comment.substr(colon + 2)));
  return texts;
}

Names split(std::string_view text, Format format, const FieldRules& rules) {
  FieldSplitter splitter(format, rules);
  if (splitter.split(text) != FieldSplitter::Status::kOk) return {};
  Names names;
  for (const std::string_view field : splitter.fields()) names.emplace_back(without_blanks(field));
  return names;
}

std::size_t n_known(const Names& names) {
  std::size_t n = 0;
  for (const Role role : kRoles) n += find_columns_of(names, role).size();
  return n;
}

bool items_come_first(const Names& names) {
  const std::vector<int> users = find_columns_of(names, Role::kUser), items = find_columns_of(names, Role::kItem);
  return std::ranges::min(items) < std::ranges::min(users);
}

constexpr Format kSeparated[] = {Format::kTsv, Format::kCsv, Format::kSemicolon, Format::kPipe, Format::kSpace};

}  // namespace

std::vector<std::string> header_in_comments(const std::vector<std::string_view>& comments, std::size_t n_columns,
                                            Format format, const FieldRules& rules, const std::string& source) {
  std::string_view contradiction;
  for (auto comment = comments.rbegin(); comment != comments.rend(); ++comment) {
    for (const std::string_view text : texts_of(*comment)) {
      Names names = split(text, format, rules);
      if (names.size() == n_columns && names_user_and_item(names)) return names;
      for (const Format other : kSeparated) {
        names = split(text, other, rules);
        if (names.size() < 2 || !names_user_and_item(names)) continue;
        const bool all_known = n_known(names) == names.size();
        // Words parted by blanks may be a sentence, unless it begins as no sentence does: item user.
        const bool is_list = all_known || (other == Format::kSpace ? names_user_and_item({names[0], names[1]})
                                                                   : 2 * n_known(names) >= names.size());
        const bool is_other_order = is_list && items_come_first(names);
        if (names.size() == n_columns && (all_known || is_other_order)) return names;
        if (is_other_order) contradiction = text;
      }
    }
  }
  if (contradiction.empty()) return {};
  throw DataError(
      fmt::format("{}: a comment names items before users ({}), but not all {} columns; say which is which by their "
                  "numbers: --columns user=N,item=N and, where there are such, rating=N,time=N",
                  source, in_quotes(contradiction), n_columns));
}

}  // namespace unfold
