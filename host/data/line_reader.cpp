#include "host/data/line_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "host/data/binary_kind.hpp"
#include "unfold/error.hpp"

namespace unfold {

using std::string_view_literals::operator""sv;

namespace {

constexpr std::size_t kInitialBytes = std::size_t{1} << 20;
// What has to tell the kind of text and what ends its lines.
constexpr std::size_t kHeadBytes = std::size_t{1} << 18;

}  // namespace

char line_end_of(std::string_view head) {
  const bool only_cr = head.find('\n') == std::string_view::npos && head.find('\r') != std::string_view::npos;
  return only_cr ? '\r' : '\n';
}

LineReader::LineReader(TextSource& source)
    : source_(source), buffer_(new char[kInitialBytes]), capacity_(kInitialBytes) {
  while (end_ < kHeadBytes && fill()) {
  }
  const std::string_view head{buffer_.get(), end_};
  refuse_binary(head, source.name());
  if (head.starts_with("\xff\xfe\0\0"sv) || head.starts_with("\0\0\xfe\xff"sv)) {
    throw DataError(
        fmt::format("{}: is UTF-32 text, and UTF-8 is read; convert it: iconv -f UTF-32 -t UTF-8 {} > "
                    "FILE",
                    source.name(), source.name()));
  }
  if (head.starts_with("\xff\xfe"sv) || head.starts_with("\xfe\xff"sv)) {
    throw DataError(
        fmt::format("{}: is UTF-16 text, and UTF-8 is read; convert it: iconv -f UTF-16 -t UTF-8 {} > "
                    "FILE",
                    source.name(), source.name()));
  }
  if (head.starts_with("\xef\xbb\xbf"sv)) begin_ = 3;
  line_end_ = line_end_of(head);
  if (begin_ == end_ && !fill()) {
    const bool compressed = source.compression()[0] != '\0';
    throw DataError(fmt::format("{}: the file is empty{}; it should hold {}", source.name(),
                                compressed ? " after decompression" : "", source.content()));
  }
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) {
    std::unique_ptr<char[]> larger(new char[2 * capacity_]);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ *= 2;
  }
  const std::size_t bytes = source_.read(buffer_.get() + end_, capacity_ - end_);
  if (!nul_seen_) nul_seen_ = std::memchr(buffer_.get() + end_, '\0', bytes) != nullptr;
  end_ += bytes;
  at_end_ = bytes == 0;
  return bytes > 0;
}

std::string_view LineReader::peek(std::size_t bytes) {
  while (end_ - begin_ < bytes && fill()) {
  }
  peeked_everything_ = at_end_ && end_ - begin_ <= bytes;
  return {buffer_.get() + begin_, std::min(bytes, end_ - begin_)};
}

LineReader::Result LineReader::next() {
  while (inside_line_) skip_rest();
  number_ += n_joined_ - 1;
  n_joined_ = 1;
  std::size_t scanned = 0;
  while (true) {
    const char* start = buffer_.get() + begin_;
    const void* found = std::memchr(start + scanned, line_end_, end_ - begin_ - scanned);
    if (found != nullptr) return finish_line(static_cast<std::size_t>(static_cast<const char*>(found) - start) + 1);
    scanned = end_ - begin_;
    // One byte more than the limit may be the CR of an end that is not read yet.
    if (scanned > max_line_bytes_ + 1) {
      inside_line_ = true;
      return finish_line(scanned);
    }
    if (fill()) continue;
    return scanned == 0 ? Result::kEnd : finish_line(scanned);
  }
}

// Makes the next bytes the line.
void LineReader::take(std::size_t raw_bytes) {
  raw_ = {buffer_.get() + begin_, raw_bytes};
  begin_ += raw_bytes;
  text_ = raw_;
  if (text_.ends_with(line_end_)) text_.remove_suffix(1);
  if (line_end_ == '\n' && text_.ends_with('\r')) text_.remove_suffix(1);
}

LineReader::Result LineReader::finish_line(std::size_t raw_bytes) {
  take(raw_bytes);
  first_raw_bytes_ = raw_bytes;
  ++number_;
  if (inside_line_ || text_.size() > max_line_bytes_) return Result::kTooLong;
  if (nul_seen_) {
    const std::size_t position = text_.find('\0');
    nul_column_ = position + 1;
    if (position != std::string_view::npos) return Result::kNul;
  }
  return Result::kLine;
}

bool LineReader::extend() {
  const std::size_t before = raw_.size();
  begin_ -= before;  // the line lies right in front of what is not handed out
  std::size_t bytes = before;
  while (bytes == before && end_ - begin_ <= max_line_bytes_ + kInitialBytes) {
    const char* start = buffer_.get() + begin_;
    const void* found = std::memchr(start + before, line_end_, end_ - begin_ - before);
    if (found != nullptr) {
      bytes = static_cast<std::size_t>(static_cast<const char*>(found) - start) + 1;
    } else if (!fill()) {
      bytes = end_ - begin_;
      break;
    }
  }
  const bool has_nul = nul_seen_ && std::memchr(buffer_.get() + begin_, '\0', bytes) != nullptr;
  const bool joins = bytes > before && bytes <= max_line_bytes_ && !has_nul;
  take(joins ? bytes : before);
  n_joined_ += joins ? 1 : 0;
  return joins;
}

void LineReader::give_back() {
  begin_ -= raw_.size();
  take(first_raw_bytes_);
  n_joined_ = 1;
}

std::string_view LineReader::skip_rest() {
  if (!inside_line_) return {};
  if (begin_ == end_ && !fill()) {
    inside_line_ = false;
    return {};
  }
  const std::string_view rest{buffer_.get() + begin_, end_ - begin_};
  const std::size_t line_end = rest.find(line_end_);
  inside_line_ = line_end == std::string_view::npos;
  const std::string_view piece = inside_line_ ? rest : rest.substr(0, line_end + 1);
  begin_ += piece.size();
  return piece;
}

}  // namespace unfold
