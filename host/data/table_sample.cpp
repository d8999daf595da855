#include "host/data/table_sample.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace unfold {
namespace {

constexpr std::size_t kMaxSampleLines = 2000;
// The separators looked for, the surest first.
constexpr std::array kSeparated = {Format::kDat, Format::kTsv, Format::kCsv, Format::kSemicolon, Format::kPipe};

}  // namespace

std::vector<std::string_view> sample_lines(std::string_view sample, bool complete) {
  std::vector<std::string_view> lines;
  while (!sample.empty() && lines.size() < kMaxSampleLines) {
    const std::size_t end = sample.find('\n');
    if (end == std::string_view::npos && !complete && !lines.empty()) break;
    std::string_view line = sample.substr(0, end);
    sample.remove_prefix(std::min(line.size() + 1, sample.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(line);
  }
  return lines;
}

ColumnCounts count_columns(const std::vector<std::string_view>& lines, Format format) {
  FieldSplitter splitter(format);
  std::map<std::size_t, std::size_t> histogram;
  for (const std::string_view line : lines) {
    if (splitter.split(line) == FieldSplitter::Status::kOk) ++histogram[splitter.fields().size()];
  }
  ColumnCounts counts;
  counts.distinct = histogram.size();
  for (const auto& [n_columns, n_lines] : histogram) {
    counts.largest = n_columns;
    if (n_lines < counts.of_modal || n_columns < 2) continue;
    counts.modal = n_columns;
    counts.of_modal = n_lines;
  }
  return counts;
}

std::optional<Format> find_separator(const std::vector<std::string_view>& lines, FirstLine first_line) {
  std::optional<Format> best;
  std::size_t most_columns = 1;
  for (const Format format : kSeparated) {
    const ColumnCounts counts = count_columns(lines, format);
    if (2 * counts.of_modal < lines.size() || counts.modal <= most_columns) continue;
    if (first_line == FirstLine::kLikeMost && count_columns({lines.front()}, format).modal != counts.modal) continue;
    best = format;
    most_columns = counts.modal;
  }
  return best;
}

SampleTable split_table(const std::vector<std::string_view>& lines, Format format, std::size_t n_columns,
                        std::vector<FieldSplitter>& splitters) {
  SampleTable table;
  splitters.reserve(lines.size());
  for (const std::string_view line : lines) {
    splitters.emplace_back(format);
    const bool whole = splitters.back().split(line) == FieldSplitter::Status::kOk;
    const std::vector<std::string_view>& fields = splitters.back().fields();
    if (splitters.size() == 1) {
      table.first = fields;
    } else if (whole && fields.size() == n_columns) {
      table.lines.push_back(fields);
    }
  }
  return table;
}

}  // namespace unfold
