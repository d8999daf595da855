#include "host/data/table_sample.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "host/data/line_reader.hpp"

namespace unfold {
namespace {

constexpr std::size_t kMaxSampleLines = 2000;
// Of a quoted field, in the sample. An import takes more.
constexpr std::size_t kMaxJoinedLines = 50;
constexpr std::array kSampled = {Format::kDat, Format::kTsv, Format::kCsv, Format::kSemicolon, Format::kPipe};

char separator_of(Format format) {
  switch (format) {
    case Format::kTsv:
      return '\t';
    case Format::kSemicolon:
      return ';';
    case Format::kPipe:
      return '|';
    default:
      return ',';
  }
}

}  // namespace

std::vector<std::string_view> sample_lines(std::string_view sample, bool complete) {
  std::vector<std::string_view> lines;
  const char line_end = line_end_of(sample);
  while (!sample.empty() && lines.size() < kMaxSampleLines) {
    const std::size_t end = sample.find(line_end);
    if (end == std::string_view::npos && !complete && !lines.empty()) break;
    std::string_view line = sample.substr(0, end);
    sample.remove_prefix(std::min(line.size() + 1, sample.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(line);
  }
  return lines;
}

FieldSplitter::Status split_record(const std::vector<std::string_view>& lines, std::size_t& n,
                                   FieldSplitter& splitter) {
  const std::string_view line = lines[n++];
  FieldSplitter::Status status = splitter.split(line);
  if (status != FieldSplitter::Status::kOpenQuote) return status;
  const std::size_t last = std::min(n + kMaxJoinedLines, lines.size());
  for (std::size_t end = n; end < last; ++end) {
    if (!FieldSplitter::ends_quote(lines[end])) continue;
    const char* const stop = lines[end].data() + lines[end].size();
    status = splitter.split({line.data(), static_cast<std::size_t>(stop - line.data())});
    if (status == FieldSplitter::Status::kOpenQuote) continue;
    if (status == FieldSplitter::Status::kOk) n = end + 1;
    break;
  }
  return status == FieldSplitter::Status::kOk ? status : splitter.split(line);
}

ColumnCounts count_columns(const std::vector<std::string_view>& lines, Format format, const FieldRules& rules) {
  FieldSplitter splitter(format, rules);
  std::map<std::size_t, std::size_t> histogram;
  ColumnCounts counts;
  for (std::size_t n = 0; n < lines.size(); ++counts.n_records) {
    if (split_record(lines, n, splitter) == FieldSplitter::Status::kOk) ++histogram[splitter.fields().size()];
  }
  counts.distinct = histogram.size();
  for (const auto& [n_columns, n_records] : histogram) {
    counts.largest = n_columns;
    if (n_records < counts.of_modal || n_columns < 2) continue;
    counts.modal = n_columns;
    counts.of_modal = n_records;
  }
  return counts;
}

std::vector<Format> even_separators(const std::vector<std::string_view>& lines, const FieldRules& rules) {
  struct Candidate {
    Format format;
    double share;
    std::size_t first_field_bytes;
  };
  std::vector<Candidate> candidates;
  double best = 0;
  for (const Format format : kSampled) {
    const ColumnCounts counts = count_columns(lines, format, rules);
    if (counts.modal < 2 || 2 * counts.of_modal < counts.n_records) continue;
    FieldSplitter splitter(format, rules);
    splitter.split(lines[lines.size() / 2]);
    const double share = static_cast<double>(counts.of_modal) / static_cast<double>(counts.n_records);
    candidates.push_back({format, share, splitter.fields()[0].size()});
    best = std::max(best, share);
  }
  // A header and a few bad lines may be parted otherwise.
  constexpr double kTolerance = 0.05;
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.share < best - kTolerance; });
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.first_field_bytes < b.first_field_bytes; });
  std::vector<Format> formats;
  for (const Candidate& candidate : candidates) formats.push_back(candidate.format);
  return formats;
}

bool blanks_follow_separators(const std::vector<std::string_view>& lines, Format format) {
  if (format == Format::kDat || format == Format::kSpace || format == Format::kAdjacency) return false;
  const char separator = separator_of(format);
  std::size_t n_separators = 0, n_blanks = 0;
  for (const std::string_view line : lines) {
    for (std::size_t n = line.find(separator); n != std::string_view::npos && n + 1 < line.size();
         n = line.find(separator, n + 1)) {
      ++n_separators;
      n_blanks += line[n + 1] == ' ' ? 1 : 0;
    }
  }
  return n_separators > 0 && n_blanks == n_separators;
}

SampleTable split_table(const std::vector<std::string_view>& lines, Format format, const FieldRules& rules,
                        std::size_t n_columns, std::vector<FieldSplitter>& splitters) {
  SampleTable table;
  splitters.reserve(lines.size());
  for (std::size_t n = 0; n < lines.size();) {
    splitters.emplace_back(format, rules);
    const bool whole = split_record(lines, n, splitters.back()) == FieldSplitter::Status::kOk;
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
