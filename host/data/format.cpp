#include "host/data/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "host/data/choose_format.hpp"
#include "host/data/column_names.hpp"
#include "host/data/column_roles.hpp"
#include "host/data/comment_header.hpp"
#include "host/data/foreign_layout.hpp"
#include "host/data/line_reader.hpp"
#include "host/data/record_parser.hpp"
#include "host/data/table_sample.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Lines = std::vector<std::string_view>;

// Takes out the comments of a text that begins with such a line, marked by % or #. One whose lines nearly all begin so
// has none. Gives the mark, and the comments before the data, which may name the columns.
struct Comments {
  char mark = '\0';
  Lines first;
};

Comments take_comments(Lines& lines) {
  Comments comments;
  if (lines[0][0] != '%' && lines[0][0] != '#') return comments;
  const auto is_comment = [mark = lines[0][0]](std::string_view line) { return line[0] == mark; };
  const auto data = std::find_if_not(lines.begin(), lines.end(), is_comment);
  const auto n_later = std::count_if(data, lines.end(), is_comment);
  if (data == lines.end() || 10 * n_later > lines.end() - data) return comments;
  comments.mark = lines[0][0];
  comments.first.assign(lines.begin(), data);
  std::erase_if(lines, is_comment);
  return comments;
}

void refuse_nuls(const Lines& lines, const std::string& source) {
  const auto holds_nul = [](std::string_view line) { return line.find('\0') != std::string_view::npos; };
  const auto n = static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), holds_nul));
  if (2 * n <= lines.size() && (n < 3 || 10 * n < lines.size())) return;
  throw DataError(
      fmt::format("{}: holds NUL bytes, which text does not: a binary file, UTF-16 or UTF-32; name a text file in "
                  "UTF-8",
                  source));
}

// Quoted fields with line breaks may hold a CR for one.
void refuse_mixed_ends(const Lines& lines, const std::string& source) {
  const auto has_other_end = [](std::string_view line) {
    return line.find('\r') != std::string_view::npos && line.find('"') == std::string_view::npos;
  };
  if (2 * static_cast<std::size_t>(std::ranges::count_if(lines, has_other_end)) < lines.size()) return;
  throw DataError(
      fmt::format("{}: the ends of lines mix CR and LF; make all alike: tr '\\r' '\\n' < FILE "
                  "> ratings.csv",
                  source));
}

// A quote behind a backslash, inside a quoted field and not its last character.
bool has_backslash_quote(std::string_view line) {
  const std::size_t quote = line.find("\\\"");
  if (quote == std::string_view::npos || quote + 2 >= line.size()) return false;
  if (std::string_view(",;\t|\"").find(line[quote + 2]) != std::string_view::npos) return false;
  const std::string_view before = line.substr(0, quote);
  const auto holds = [before](std::string_view start) { return before.find(start) != std::string_view::npos; };
  return before.starts_with('"') || holds(",\"") || holds(";\"") || holds("\t\"");
}

void refuse_backslash_quotes(const Lines& lines, const std::string& source) {
  const auto n = static_cast<std::size_t>(std::ranges::count_if(lines, has_backslash_quote));
  if (n == 0 || 10 * n < lines.size()) return;
  throw DataError(
      fmt::format("{}: quotes in quoted fields stand behind backslashes ({}), and such quotes are written twice: {}",
                  source, in_quotes(*std::ranges::find_if(lines, has_backslash_quote)), kDoubleQuotes));
}

FieldRules chosen_rules(const ImportOptions& options) {
  if (options.quote != "auto" && options.quote != "double" && options.quote != "none") {
    throw UsageError(fmt::format("--quote {}: known are auto, double and none", options.quote));
  }
  FieldRules rules;
  rules.quotes = options.quote != "none";
  return rules;
}

// A table of the sample with the names of its columns.
class TableLayout {
 public:
  TableLayout(const Lines& lines, Format format, const FieldRules& rules, const ImportOptions& options,
              const Comments& comments, const std::string& source) {
    layout_.format = format;
    layout_.rules = rules;
    layout_.rules.blanks_follow = blanks_follow_separators(lines, format);
    layout_.quotes_are_sure = options.quote == "double";
    layout_.comment = comments.mark;
    n_columns_ = count_columns(lines, format, layout_.rules).modal;
    if (n_columns_ < 2) {
      throw DataError(
          fmt::format("{}: read as {}, most lines hold one column, where a user and an item are expected; "
                      "pass another --format",
                      source, format_name(format)));
    }
    table_ = split_table(lines, format, layout_.rules, n_columns_, splitters_);
    drop_column_after_trailing_separators();
    layout_.has_header = has_header(table_, options, source);
    if (layout_.has_header) take_header();
    if (options.header == "auto" && !layout_.has_header) take_header_from(comments.first, options, source);
    layout_.n_columns = layout_.has_header ? layout_.header.size() : n_columns_;
  }

  const InputFormat& layout() const { return layout_; }
  const SampleTable& table() const { return table_; }

 private:
  void drop_column_after_trailing_separators() {
    const auto ends_empty = [](const Lines& line) { return line.back().empty(); };
    const bool first_is_whole = table_.first.size() == n_columns_;
    if (n_columns_ < 3 || !std::all_of(table_.lines.begin(), table_.lines.end(), ends_empty)) return;
    if (first_is_whole ? !ends_empty(table_.first) : table_.lines.empty()) return;
    --n_columns_;
    for (Lines& line : table_.lines) line.pop_back();
    if (first_is_whole) table_.first.pop_back();
  }

  void take_header() {
    std::vector<std::string>& header = layout_.header;
    header.assign(table_.first.begin(), table_.first.end());
    if (header.size() == n_columns_ + 1 && header.back().empty()) header.pop_back();
    // R writes no name over the names of its rows.
    if (header.size() + 1 == n_columns_ && first_column_is_distinct()) header.insert(header.begin(), "");
  }

  // Where the user says which column is which, a comment that says otherwise is none of the data's business.
  void take_header_from(const Lines& comments, const ImportOptions& options, const std::string& source) {
    try {
      layout_.header = header_in_comments(comments, n_columns_, layout_.format, layout_.rules, source);
    } catch (const DataError&) {
      if (options.columns.count("user") == 0 || options.columns.count("item") == 0) throw;
    }
    layout_.has_header = layout_.header_is_comment = !layout_.header.empty();
  }

  bool first_column_is_distinct() const {
    std::set<std::string_view> values;
    for (const Lines& line : table_.lines) values.insert(line[0]);
    return values.size() == table_.lines.size();
  }

  InputFormat layout_;
  std::size_t n_columns_;
  std::vector<FieldSplitter> splitters_;
  SampleTable table_;
};

// Reads the sample as the import will, to tell a bad line from a layout that is not what it was taken for.
void count_misfits(InputFormat& format, const Lines& lines) {
  RecordParser parser(format);
  FieldSplitter splitter(format.format, format.rules);
  bool header_due = format.has_header && !format.header_is_comment;
  for (std::size_t n = 0; n < lines.size();) {
    const std::size_t begin = n;
    split_record(lines, n, splitter);
    const char* const end = lines[n - 1].data() + lines[n - 1].size();
    if (!std::exchange(header_due, false)) {
      ++format.n_sampled;
      const bool fits = parser.parse({lines[begin].data(), static_cast<std::size_t>(end - lines[begin].data())});
      format.n_misfits += fits ? 0 : 1;
    }
  }
}

InputFormat lists(const ImportOptions& options, const Comments& comments, const std::string& source) {
  if (!options.columns.empty()) {
    throw UsageError(
        fmt::format("{}: lists of items have no columns to choose from; drop --columns, or pass "
                    "--format space",
                    source));
  }
  InputFormat result;
  result.format = Format::kAdjacency;
  result.has_header = options.header == "yes";
  result.comment = comments.mark;
  result.columns = {0, 1, kNoColumn, kNoColumn};
  return result;
}

}  // namespace

std::string InputFormat::columns_text() const {
  if (format == Format::kAdjacency) return "user item item ...";
  std::string text;
  for (const Role role : kRoles) {
    if (column(role) == kNoColumn) continue;
    const auto n = static_cast<std::size_t>(column(role));
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", role_name(role),
                        has_header ? header[n] : std::to_string(n + 1));
  }
  return text;
}

std::string InputFormat::column_label(Role role) const {
  if (format == Format::kAdjacency) return role_name(role);
  const auto n = static_cast<std::size_t>(column(role));
  return has_header ? fmt::format("column '{}'", escaped(header[n]))
                    : fmt::format("column {} ({})", n + 1, role_name(role));
}

void InputFormat::note_whole_ids(Role role, std::string_view example) {
  if (std::exchange(whole_ids_noted[static_cast<std::size_t>(role)], true)) return;
  notes.push_back(fmt::format("{}: ids are whole numbers written as decimals ({}), and are read without .0",
                              column_label(role), in_quotes(example)));
}

InputFormat detect_format(std::string_view sample, bool complete, const ImportOptions& options,
                          const std::string& source) {
  check_roles(options);
  if (options.header != "auto" && options.header != "yes" && options.header != "no") {
    throw UsageError(fmt::format("--header {}: known are auto, yes and no", options.header));
  }
  const FieldRules rules = chosen_rules(options);
  Lines lines = sample_lines(sample, complete);
  if (lines.empty()) throw DataError(fmt::format("{}: only blank lines; the file should hold ratings", source));
  refuse_foreign_layout(lines, source);
  const Comments comments = take_comments(lines);
  if (comments.mark != '\0') refuse_foreign_layout(lines, source);
  refuse_nuls(lines, source);
  refuse_mixed_ends(lines, source);
  if (rules.quotes) refuse_backslash_quotes(lines, source);
  const auto fit = [&](Format format) {
    try {
      const TableLayout table(lines, format, rules, options, comments, source);
      InputFormat layout = table.layout();
      if (layout.has_header && names_user_and_item(layout.header)) return Fit::kNames;
      assign_columns(layout, table.table(), options, source);
      return layout.n_columns > 2 && options.columns.empty() ? Fit::kValues : Fit::kPair;
    } catch (const DataError&) {
      return Fit::kNone;
    }
  };
  const Format format = choose_format(lines, rules, options, source, fit);
  if (format == Format::kAdjacency) return lists(options, comments, source);
  if (!complete && sample.find(line_end_of(sample)) == std::string_view::npos) {
    throw DataError(
        fmt::format("{}:1: no line ends in the first {} bytes; one rating a line is expected", source, sample.size()));
  }
  const TableLayout table(lines, format, rules, options, comments, source);
  InputFormat result = table.layout();
  assign_columns(result, table.table(), options, source);
  count_misfits(result, lines);
  return result;
}

}  // namespace unfold
