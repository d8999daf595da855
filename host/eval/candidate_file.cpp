#include "host/eval/candidate_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::string_view kLayout = "a line is (user,item), then a tab and an id for each negative";

// What a message shows of a field of any length.
std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return text.size() <= kShown ? std::string(text) : fmt::format("{}...", text.substr(0, kShown));
}

}  // namespace

CandidateReader::CandidateReader(const std::filesystem::path& file) : file_(file) {
  if (std::filesystem::is_directory(file)) {
    throw DataError(fmt::format("{}: is a directory, a candidates file is needed", file.string()));
  }
  in_.open(file, std::ios::binary);
  if (!in_) throw DataError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
}

void CandidateReader::fail(const std::string& message) const {
  throw DataError(fmt::format("{}:{}: {}; {}", file_.string(), n_lines_, message, kLayout));
}

bool CandidateReader::read(CandidateLine& line) {
  while (std::getline(in_, text_)) {
    ++n_lines_;
    if (n_lines_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
    if (text_.ends_with('\r')) text_.pop_back();
    if (text_.find_first_not_of(" \t") == std::string::npos) continue;
    parse(line);
    return true;
  }
  if (in_.bad()) throw DataError(fmt::format("{}: cannot be read after line {}", file_.string(), n_lines_));
  return false;
}

void CandidateReader::parse(CandidateLine& line) const {
  const std::string_view text = text_;
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
