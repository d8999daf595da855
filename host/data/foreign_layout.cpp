#include "host/data/foreign_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>

#include "host/data/column_values.hpp"
#include "host/data/field_splitter.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Lines = std::vector<std::string_view>;

bool begins_with(std::string_view text, std::string_view start) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(), [&](char b, char a) { return same(a, b); });
}

bool any_begins_with(const Lines& lines, std::string_view start) {
  constexpr std::size_t kLines = 100;
  const auto end = lines.begin() + static_cast<std::ptrdiff_t>(std::min(kLines, lines.size()));
  return std::any_of(lines.begin(), end, [&](std::string_view line) { return begins_with(line, start); });
}

bool nearly_all(const Lines& lines, const std::function<bool(std::string_view)>& test) {
  return 10 * static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), test)) >= 9 * lines.size();
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_matrix_market(const Lines& lines) { return begins_with(lines[0], "%%matrixmarket"); }

// {"user_id": ... or the same with Python's quotes; [ where it is one array.
bool is_json(const Lines& lines) {
  const std::string_view line = without_blanks(lines[0]);
  if (line[0] != '{' && line[0] != '[') return false;
  if (nearly_all(lines, [](std::string_view text) { return text.starts_with('[') && text.ends_with(']'); }))
    return true;
  const std::string_view rest = without_blanks(line.substr(1));
  if (rest.empty()) return true;
  if (line[0] == '{') return rest[0] == '"' || rest[0] == '\'' || rest.starts_with("u'") || rest[0] == '}';
  return rest[0] == '{' || rest[0] == '[' || rest[0] == '"' || rest[0] == ']';
}

// A line "12:" before the ratings of film 12.
bool is_netflix(const Lines& lines) {
  const std::string_view line = without_blanks(lines[0]);
  return line.size() > 1 && line.ends_with(':') && line.find_first_of(" \t,;|:") == line.size() - 1;
}

// A line "user|number of ratings" before the ratings of the user.
bool is_kdd_cup(const Lines& lines) {
  const std::size_t bar = lines[0].find('|');
  return lines.size() > 1 && bar != std::string_view::npos && is_digits(lines[0].substr(0, bar)) &&
         is_digits(lines[0].substr(bar + 1)) && lines[1].find('\t') != std::string_view::npos &&
         lines[1].find('|') == std::string_view::npos;
}

bool is_name_and_number(std::string_view word) {
  const std::size_t colon = word.rfind(':');
  return colon != std::string_view::npos && colon > 0 && is_number(word.substr(colon + 1));
}

// A label (or a user), then words name:value to the line's end.
bool is_libsvm(const Lines& lines) {
  std::size_t n_pairs = 0;
  const bool all = nearly_all(lines, [&](std::string_view line) {
    if (take_word(line).find_first_of(",;|") != std::string_view::npos) return false;  // a table with times of day
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      if (word[0] == '#') break;
      if (!is_name_and_number(word)) return false;
      ++n_pairs;
    }
    return true;
  });
  return all && 2 * n_pairs >= lines.size();
}

// Lines "name: value", a record being several of them, as in SNAP's reviews.
bool is_named_lines(const Lines& lines) {
  const auto name_of = [](std::string_view line) {
    const std::size_t colon = line.find(": ");
    const std::string_view name = line.substr(0, colon == std::string_view::npos ? 0 : colon);
    return name.find_first_of(" \t,;|\"") == std::string_view::npos ? name : std::string_view{};
  };
  const std::string_view first = name_of(lines[0]);
  if (first.empty() || lines.size() < 4) return false;
  const auto has_name = [&](std::string_view line) { return !name_of(line).empty(); };
  return nearly_all(lines, has_name) &&
         std::count_if(lines.begin(), lines.end(), [&](std::string_view line) { return name_of(line) == first; }) >= 2;
}

bool is_sql(const Lines& lines) {
  return any_begins_with(lines, "insert into ") || any_begins_with(lines, "create table ");
}

bool is_markup(const Lines& lines) {
  const std::string_view line = without_blanks(lines[0]);
  return begins_with(line, "<!") || begins_with(line, "<?xml") || begins_with(line, "<html");
}

// A line of dashes under the names of the columns: Markdown, psql, MySQL.
bool is_drawn_table(const Lines& lines) {
  constexpr std::size_t kLines = 4;
  const auto is_rule = [](std::string_view line) {
    return line.find_first_not_of("-+|=: \t") == std::string_view::npos &&
           line.find_first_of("+|") != std::string_view::npos && line.find("---") != std::string_view::npos;
  };
  return std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(kLines, lines.size())),
                     is_rule);
}

struct Layout {
  bool (*test)(const Lines& lines);
  const char* name;
  const char* remedy;
};

constexpr Layout kLayouts[] = {
    {is_matrix_market, "a Matrix Market file",
     "leave out its first lines, those with % and the one with the sizes, and read the rest with --format space"},
    {is_json, "JSON",
     "make columns of it, for instance: jq -r '[.user_id, .item_id, .rating] | @csv' FILE > ratings.csv"},
    {is_netflix,
     "laid out as the Netflix prize's files, where a line that ends with ':' names the item of the lines after it",
     "put the item into each line: awk -F, '/:$/ {item = $1; sub(\":\", \"\", item); next} {print $1 \",\" item \",\" "
     "$2 "
     "\",\" $3}' FILE > ratings.csv"},
    {is_kdd_cup, "laid out as the KDD Cup of 2011, where a line user|count stands before the lines of a user",
     "put the user into each line: awk -F'|' 'NF == 2 {user = $1; next} {print user \"\\t\" $0}' FILE > ratings.tsv"},
    {is_libsvm, "laid out as for libsvm or libFM: a label, then words index:value",
     "write lines of user, item and rating"},
    {is_named_lines, "records of several lines, each \"name: value\"", "write one line a rating: user, item, rating"},
    {is_sql, "SQL", "load it into a database and write the table as CSV"},
    {is_drawn_table, "a table drawn with dashes and bars, as of Markdown, psql and MySQL",
     "write it as CSV (psql --csv, mysql --batch), or make columns of it: sed '/---/d; /^([0-9]* row/d; s/^ *| *//; s/ "
     "*| *$//; s/ *| */,/g; s/^ *//; s/ *$//' FILE > ratings.csv"},
    {is_markup, "HTML or XML, perhaps the page of a download that failed", "name a text file of ratings"},
    {[](const Lines& lines) { return any_begins_with(lines, "@relation"); }, "an ARFF file",
     "leave out its lines with @ and read the rest with --format csv"},
    {[](const Lines& lines) { return begins_with(lines[0], "version https://git-lfs"); },
     "a pointer of Git LFS and not the file itself", "get the file: git lfs pull"},
};

}  // namespace

void refuse_foreign_layout(const std::vector<std::string_view>& lines, const std::string& source) {
  for (const Layout& layout : kLayouts) {
    if (!layout.test(lines)) continue;
    throw DataError(fmt::format("{}: is {}, which is not read; {}", source, layout.name, layout.remedy));
  }
}

}  // namespace unfold
