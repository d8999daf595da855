#include "host/data/format.hpp"

#include <fmt/format.h>

#include <optional>

#include "host/data/column_roles.hpp"
#include "host/data/escaped.hpp"
#include "host/data/table_sample.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Columns of equal number on (nearly) every line are a table; lines of many lengths are lists. Where it could be
// either, a table: then lines that do not fit are reported, while ratings taken for items would go unnoticed.
Format table_or_lists(const std::vector<std::string_view>& lines, const ImportOptions& options,
                      const std::string& source) {
  const ColumnCounts counts = count_columns(lines, Format::kSpace);
  if (counts.modal < 2) {
    throw DataError(
        fmt::format("{}: most lines hold one value, where a user and an item are expected; known are "
                    "columns parted by ',', ';', '|', '::', tabs or spaces, and lists of items "
                    "(docs/inputs.md); pass --format",
                    source));
  }
  const bool one_length = counts.distinct == 1;
  if (one_length && counts.modal > 4 && lines.size() > 1 && options.header != "yes" && options.columns.empty()) {
    throw DataError(
        fmt::format("{}: lines of {} values could be columns or lists of items; pass --format space or "
                    "--format adjacency",
                    source, counts.modal));
  }
  if (one_length) return counts.modal > 4 && lines.size() == 1 ? Format::kAdjacency : Format::kSpace;
  const bool half_differs = 2 * counts.of_modal <= lines.size();
  if (counts.largest <= 4) return half_differs ? Format::kAdjacency : Format::kSpace;
  const bool tenth_differs = 10 * counts.of_modal <= 9 * lines.size();
  return half_differs || (counts.distinct >= 3 && tenth_differs) ? Format::kAdjacency : Format::kSpace;
}

// By itself a space-separated table of more than four columns looks like lists; its header tells.
bool has_space_header(const std::vector<std::string_view>& lines, const ImportOptions& options,
                      const std::string& source) {
  std::vector<FieldSplitter> splitters;
  const SampleTable table = split_table({lines[0]}, Format::kSpace, 0, splitters);
  return table.first.size() > 1 && has_header(table, options, source);
}

Format choose_format(const std::vector<std::string_view>& lines, const ImportOptions& options,
                     const std::string& source) {
  if (options.format != "auto") {
    for (const Format format : {Format::kCsv, Format::kTsv, Format::kDat, Format::kPipe, Format::kSemicolon,
                                Format::kSpace, Format::kAdjacency}) {
      if (options.format == format_name(format)) return format;
    }
    throw UsageError(fmt::format("--format {}: known are auto, csv, tsv, dat, pipe, semicolon, space and adjacency",
                                 options.format));
  }
  const std::optional<Format> separated = find_separator(lines, FirstLine::kAny);
  if (separated.has_value()) return *separated;
  ImportOptions by_content = options;
  by_content.columns.clear();
  if (has_space_header(lines, by_content, source)) return Format::kSpace;
  return table_or_lists(lines, options, source);
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

InputFormat detect_format(std::string_view sample, bool complete, const ImportOptions& options,
                          const std::string& source) {
  check_roles(options);
  if (options.header != "auto" && options.header != "yes" && options.header != "no") {
    throw UsageError(fmt::format("--header {}: known are auto, yes and no", options.header));
  }
  const std::vector<std::string_view> lines = sample_lines(sample, complete);
  if (lines.empty()) throw DataError(fmt::format("{}: only blank lines; the file should hold ratings", source));
  InputFormat result;
  result.format = choose_format(lines, options, source);
  if (result.format == Format::kAdjacency) {
    if (!options.columns.empty()) {
      throw UsageError(
          fmt::format("{}: lists of items have no columns to choose from; drop --columns, or pass "
                      "--format space",
                      source));
    }
    result.has_header = options.header == "yes";
    result.columns = {0, 1, kNoColumn, kNoColumn};
    return result;
  }
  if (!complete && sample.find('\n') == std::string_view::npos) {
    throw DataError(
        fmt::format("{}:1: no line ends in the first {} bytes; one rating a line is expected", source, sample.size()));
  }
  const ColumnCounts counts = count_columns(lines, result.format);
  if (counts.modal < 2) {
    throw DataError(
        fmt::format("{}: read as {}, most lines hold one column, where a user and an item are expected; "
                    "pass another --format",
                    source, format_name(result.format)));
  }
  std::vector<FieldSplitter> splitters;
  const SampleTable table = split_table(lines, result.format, counts.modal, splitters);
  result.has_header = has_header(table, options, source);
  result.n_columns = result.has_header ? table.first.size() : counts.modal;
  if (result.has_header) result.header.assign(table.first.begin(), table.first.end());
  assign_columns(result, table, options, source);
  return result;
}

}  // namespace unfold
