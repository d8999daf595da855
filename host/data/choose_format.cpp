#include "host/data/choose_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "host/data/column_roles.hpp"
#include "host/data/table_sample.hpp"
#include "host/data/value_kinds.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Lines = std::vector<std::string_view>;

// Nearly every word is a whole number, and nearly every line begins with another: a user, and then the user's items.
// Texts, and baskets of items without users, have neither.
bool look_like_lists(const Lines& lines) {
  std::set<std::string_view> users;
  std::size_t n_numeric = 0;
  for (std::string_view line : lines) {
    n_numeric += line.find_first_not_of("0123456789 \t") == std::string_view::npos ? 1 : 0;
    users.insert(take_word(line));
  }
  return 20 * n_numeric >= 19 * lines.size() && 20 * users.size() >= 19 * lines.size();
}

// Refuses columns parted by what is no separator of any format: a colon, the ^A of Hive.
void refuse_other_separator(const Lines& lines, const std::string& source) {
  for (const char separator : {':', '^', '~', '\x01', '!', '/'}) {
    const auto count = [&](std::string_view line) { return std::count(line.begin(), line.end(), separator); };
    const auto n = count(lines[lines.size() / 2]);
    const auto n_same =
        std::count_if(lines.begin(), lines.end(), [&](std::string_view line) { return count(line) == n; });
    if (n == 0 || 10 * static_cast<std::size_t>(n_same) < 9 * lines.size()) continue;
    const std::string shown = separator == '\x01' ? "\\001" : std::string(1, separator);
    throw DataError(
        fmt::format("{}: lines hold {} columns parted by '{}', which is not read; put tabs there: tr '{}' "
                    "'\\t' < FILE > ratings.tsv",
                    source, n + 1, shown, shown));
  }
}

// Lists of a user and the user's items, parted by what no lists are read with.
void refuse_separated_lists(const Lines& lines, const std::string& source) {
  const auto n_lists = std::ranges::count_if(lines, [](std::string_view line) { return n_ids(line) > 1; });
  const auto n_others = std::ranges::count_if(lines, [](std::string_view line) { return n_ids(line) == 0; });
  const std::size_t first = lines[lines.size() / 2].find_first_of(",;|");
  if (n_others > 0 || 2 * static_cast<std::size_t>(n_lists) < lines.size() || first == std::string_view::npos) return;
  const char separator = lines[lines.size() / 2][first];
  throw DataError(
      fmt::format("{}: the lines look like lists of a user and the user's items, parted by '{}'; put blanks there: tr "
                  "'{}' ' ' < FILE > lists.txt, and pass --format adjacency",
                  source, separator, separator));
}

// Columns of equal number on (nearly) every line are a table; lines of many lengths are lists. Where it could be
// either, a table: then lines that do not fit are reported, while ratings taken for items would go unnoticed.
Format table_or_lists(const Lines& lines, const ImportOptions& options, const std::string& source) {
  const ColumnCounts counts = count_columns(lines, Format::kSpace);
  const bool one_length = counts.distinct == 1;
  if (counts.modal < 2) refuse_separated_lists(lines, source);
  if (!one_length || counts.modal < 2) refuse_other_separator(lines, source);
  if (counts.modal < 2) {
    throw DataError(
        fmt::format("{}: most lines hold one value, where a user and an item are expected; known are "
                    "columns parted by ',', ';', '|', '::', tabs or spaces, and lists of items "
                    "(docs/inputs.md); pass --format",
                    source));
  }
  if (one_length && counts.modal > 4 && lines.size() > 1 && options.header != "yes" && options.columns.empty()) {
    throw DataError(
        fmt::format("{}: lines of {} values could be columns or lists of items; pass --format space or "
                    "--format adjacency",
                    source, counts.modal));
  }
  if (one_length && (counts.modal <= 4 || lines.size() > 1)) return Format::kSpace;
  const bool lists = look_like_lists(lines);
  const bool half_differs = 2 * counts.of_modal <= lines.size();
  const bool tenth_differs = 10 * counts.of_modal <= 9 * lines.size();
  if (lists && (one_length || half_differs || (counts.distinct >= 3 && tenth_differs))) return Format::kAdjacency;
  if (!half_differs && (counts.largest <= 4 || !tenth_differs)) return Format::kSpace;
  throw DataError(
      fmt::format("{}: the lines are of many lengths, and neither columns nor lists of a user and the user's items "
                  "(whole numbers, each user on one line); say which with --format (lists: --format adjacency)",
                  source));
}

// By itself a space-separated table of more than four columns looks like lists; its header tells.
bool has_space_header(const Lines& lines, const ImportOptions& options, const std::string& source) {
  ImportOptions by_content = options;
  by_content.columns.clear();
  std::vector<FieldSplitter> splitters;
  const SampleTable table = split_table({lines[0]}, Format::kSpace, {}, 0, splitters);
  return table.first.size() > 1 && has_header(table, by_content, source);
}

// Words parted by blanks may hold separators evenly, as in 1 2 3,5: there the separator's columns fit less.
bool blanks_fit_better(const Lines& lines, Fit best, const std::function<Fit(Format)>& fit) {
  std::string_view line = lines[lines.size() / 2];
  for (const std::string_view word : {take_word(line), take_word(line)}) {
    if (word.find_first_of(",;|\t") != std::string_view::npos) return false;
  }
  const ColumnCounts counts = count_columns(lines, Format::kSpace);
  return counts.distinct == 1 && counts.modal >= 3 && fit(Format::kSpace) > best;
}

// Of separators that part the lines evenly, the one whose columns fit best. Two columns fit anything, so where no
// values and no names speak for one, it is the one with the most columns, to be asked about; where the user names
// columns, the first in the lines that has them.
std::optional<Format> choose_separator(const Lines& lines, const FieldRules& rules, const ImportOptions& options,
                                       const std::function<Fit(Format)>& fit) {
  std::optional<Format> best;
  Fit best_fit = Fit::kNone;
  std::size_t most_columns = 0;
  for (const Format format : even_separators(lines, rules)) {
    const Fit its_fit = fit(format);
    const std::size_t n_columns = count_columns(lines, format, rules).modal;
    const bool both_unsure = its_fit <= Fit::kPair && best_fit <= Fit::kPair && options.columns.empty();
    const bool is_better = both_unsure ? n_columns > most_columns : its_fit > best_fit;
    if (best.has_value() && !is_better) continue;
    best = format;
    best_fit = its_fit;
    most_columns = n_columns;
  }
  if (best.has_value() && best_fit <= Fit::kPair && blanks_fit_better(lines, best_fit, fit)) return Format::kSpace;
  return best;
}

}  // namespace

Format choose_format(const Lines& lines, const FieldRules& rules, const ImportOptions& options,
                     const std::string& source, const std::function<Fit(Format)>& fit) {
  if (options.format != "auto") {
    for (const Format format : {Format::kCsv, Format::kTsv, Format::kDat, Format::kPipe, Format::kSemicolon,
                                Format::kSpace, Format::kAdjacency}) {
      if (options.format == format_name(format)) return format;
    }
    throw UsageError(fmt::format("--format {}: known are auto, csv, tsv, dat, pipe, semicolon, space and adjacency",
                                 options.format));
  }
  if (const std::optional<Format> separator = choose_separator(lines, rules, options, fit)) return *separator;
  if (has_space_header(lines, options, source)) return Format::kSpace;
  return table_or_lists(lines, options, source);
}

}  // namespace unfold
