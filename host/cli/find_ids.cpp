#include "host/cli/find_ids.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/cli/progress.hpp"
#include "host/data/line_reader.hpp"
#include "host/data/nearest_ids.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

constexpr std::size_t kMaxShown = 3;

std::string quoted_list(const IdMap& ids, const std::vector<Row>& rows, const char* last_separator) {
  std::string text;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (n > 0) text += n + 1 == rows.size() ? last_separator : ", ";
    text += in_quotes(ids.id(rows[n]));
  }
  return text;
}

// What is near, or what ids look like at all.
std::string describe_unknown(const IdKind& kind, const std::string& id) {
  std::string text = fmt::format("no {} of {} has the id {}", kind.noun, kind.model, in_quotes(id));
  const std::vector<Row> nearest = nearest_ids(id, kind.ids, kMaxShown);
  if (!nearest.empty()) return text + fmt::format("; did you mean {}?", quoted_list(kind.ids, nearest, " or "));
  std::vector<Row> first;
  for (Row row = 0; row < std::min<std::uint64_t>(kind.ids.size(), kMaxShown); ++row) first.push_back(row);
  return text + fmt::format("; its {} {}s have ids such as {}", format_count(kind.ids.size()), kind.noun,
                            quoted_list(kind.ids, first, " and "));
}

}  // namespace

Row find_id(const IdKind& kind, const std::string& id) {
  const Row row = kind.ids.find(id);
  if (row == kNoRow) throw DataError(describe_unknown(kind, id));
  return row;
}

std::vector<Row> read_id_file(const IdKind& kind, const std::string& file) {
  TextSource source(file, "ids, one a line");
  LineReader lines(source);
  std::vector<Row> rows;
  std::string first_unknown;
  std::uint64_t first_line = 0, n_unknown = 0;
  for (auto result = lines.next(); result != LineReader::Result::kEnd; result = lines.next()) {
    if (result != LineReader::Result::kLine) {
      throw DataError(fmt::format("{}:{}: the line {}; a line holds one id", file, lines.number(),
                                  result == LineReader::Result::kNul ? "holds a NUL" : "is longer than 1 MiB"));
    }
    if (lines.text().empty()) continue;
    rows.push_back(kind.ids.find(lines.text()));
    if (rows.back() == kNoRow && n_unknown++ == 0) {
      first_unknown = lines.text();
      first_line = lines.number();
    }
  }
  if (n_unknown > 0) {
    throw DataError(fmt::format(
        "{}:{}: {}{}", file, first_line, describe_unknown(kind, first_unknown),
        n_unknown == 1 ? "" : fmt::format(" (unknown, too: {} of the lines after it)", format_count(n_unknown - 1))));
  }
  if (rows.empty()) throw DataError(fmt::format("{}: only blank lines; the file should hold ids, one a line", file));
  return rows;
}

}  // namespace unfold::cli
