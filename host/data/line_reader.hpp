// Lines of a text, without copying them and with a bound on what is held: LF or CRLF, a UTF-8 byte-order mark at
// the front, a last line with or without its end.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "host/data/text_source.hpp"

namespace unfold {

class LineReader {
 public:
  // kNul and kTooLong are lines too: the reader stands behind them and can go on.
  enum class Result { kLine, kNul, kTooLong, kEnd };

  // Reads the first bytes. Throws DataError for a text that is empty or UTF-16.
  explicit LineReader(TextSource& source);

  // Up to `bytes` from the start of the text. Call before the first next().
  std::string_view peek(std::size_t bytes);
  // True when peek() showed all there is.
  bool peeked_everything() const { return at_end_; }
  // Longer lines give kTooLong. Bytes without the line's end, >= 1.
  void set_max_line_bytes(std::size_t bytes) { max_line_bytes_ = bytes; }

  Result next();
  // The line without LF or CRLF. Valid until the next call of next() or skip_rest().
  std::string_view text() const { return text_; }
  // The line as it stands in the file, with its end. Of a line that is too long: what was read of it so far.
  std::string_view raw() const { return raw_; }
  // 1-based; 0 before the first.
  std::uint64_t number() const { return number_; }
  // After kNul: the 1-based byte in the line where the first NUL stands.
  std::size_t nul_column() const { return nul_column_; }
  // After kTooLong: hands over what follows raw() in the line, piece by piece; empty at its end.
  std::string_view skip_rest();

 private:
  bool fill();
  Result finish_line(std::size_t raw_bytes);

  TextSource& source_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t begin_ = 0;  // of what is not handed out
  std::size_t end_ = 0;    // of what was read
  std::size_t max_line_bytes_ = std::size_t{1} << 20;
  bool at_end_ = false;
  bool nul_seen_ = false;     // somewhere in the text read so far
  bool inside_line_ = false;  // the rest of a line that is too long is to come
  std::string_view text_, raw_;
  std::uint64_t number_ = 0;
  std::size_t nul_column_ = 0;
};

}  // namespace unfold
