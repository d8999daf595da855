#include "host/eval/candidate_file.hpp"

#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{1} << 28;
constexpr std::string_view kLayout = "a line is (user,item), then a tab and an id for each negative";

// What a message shows of a field of any length.
std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return text.size() <= kShown ? std::string(text) : fmt::format("{}...", text.substr(0, kShown));
}

}  // namespace

CandidateReader::CandidateReader(const std::filesystem::path& file)
    : source_(file, "test items and their negatives, one test item a line"), lines_(source_) {
  lines_.set_max_line_bytes(kMaxLineBytes);
}

void CandidateReader::fail(const std::string& message) const {
  throw DataError(fmt::format("{}:{}: {}; {}", source_.name(), lines_.number(), message, kLayout));
}

bool CandidateReader::read(CandidateLine& line) {
  for (;;) {
    switch (lines_.next()) {
      case LineReader::Result::kEnd:
        return false;
      case LineReader::Result::kTooLong:
        fail(fmt::format("the line is longer than {} bytes", kMaxLineBytes));
      case LineReader::Result::kNul:
        fail("the line holds a NUL, which text does not");
      case LineReader::Result::kLine:
        break;
    }
    if (lines_.text().find_first_not_of(" \t") == std::string_view::npos) continue;
    parse(line);
    return true;
  }
}

void CandidateReader::parse(CandidateLine& line) const {
  const std::string_view text = lines_.text();
  const std::size_t pair_end = text.find('\t');
  const std::string_view pair = text.substr(0, pair_end);
  if (pair.size() < 2 || pair.front() != '(' || pair.back() != ')') {
    fail(fmt::format("\"{}\" is not a pair (user,item)", excerpt(pair)));
  }
  const std::string_view ids = pair.substr(1, pair.size() - 2);
  const std::size_t comma = ids.find(',');
  if (comma == std::string_view::npos) fail(fmt::format("\"{}\" has no comma", excerpt(pair)));
  if (ids.find(',', comma + 1) != std::string_view::npos) {
    fail(fmt::format("\"{}\" has more than one comma, so where the user's id ends is not clear", excerpt(pair)));
  }
  line.user = ids.substr(0, comma);
  line.item = ids.substr(comma + 1);
  if (line.user.empty() || line.item.empty()) fail(fmt::format("\"{}\" has an empty id", excerpt(pair)));
  line.negatives.clear();
  for (std::size_t tab = pair_end; tab != std::string_view::npos;) {
    const std::size_t next = text.find('\t', tab + 1);
    const std::string_view id = text.substr(tab + 1, next == std::string_view::npos ? next : next - tab - 1);
    // Some writers end every line with a tab.
    if (id.empty() && next == std::string_view::npos) break;
    if (id.empty()) fail(fmt::format("negative {} is empty", line.negatives.size() + 1));
    // An item does not compete with itself.
    if (id != line.item) line.negatives.push_back(id);
    tab = next;
  }
  if (line.negatives.empty()) fail(fmt::format("\"{}\" has no negatives", excerpt(pair)));
}

}  // namespace unfold
