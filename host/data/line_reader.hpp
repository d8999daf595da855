// Lines of a text, without copying them and with a bound on what is held: LF, CRLF or (in a text without LF) CR, a
// UTF-8 byte-order mark at the front, a last line with or without its end.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "host/data/text_source.hpp"

namespace unfold {

// What ends the lines of a text that begins so: CR where there is one and no LF, else LF.
char line_end_of(std::string_view head);

class LineReader {
 public:
  // kNul and kTooLong are lines too: the reader stands behind them and can go on.
  enum class Result { kLine, kNul, kTooLong, kEnd };

  // Reads the first bytes. Throws DataError for a text that is empty or UTF-16, and for no text.
  explicit LineReader(TextSource& source);

  // Up to `bytes` from the start of the text. Call before the first next().
  std::string_view peek(std::size_t bytes);
  // True when peek() showed all there is.
  bool peeked_everything() const { return peeked_everything_; }
  // Longer lines give kTooLong. Bytes without the line's end, >= 1.
  void set_max_line_bytes(std::size_t bytes) { max_line_bytes_ = bytes; }

  Result next();
  // The line without its end. Valid until the next call that reads.
  std::string_view text() const { return text_; }
  // The line as it stands in the file, with its end. Of a line that is too long: what was read of it so far.
  std::string_view raw() const { return raw_; }
  // 1-based; 0 before the first. Of lines that were joined: the first one's.
  std::uint64_t number() const { return number_; }
  // After kLine: reads on, so that text() holds one line more, with the line's end in between, for a field that goes
  // on. False, and nothing changes, where there is no more, or it holds a NUL or is longer than a line may be.
  bool extend();
  // Lines in text(): 1, and one more for each extend().
  std::uint64_t n_joined() const { return n_joined_; }
  // Undoes every extend(): next() hands those lines out.
  void give_back();
  // After kNul: the 1-based byte in the line where the first NUL stands.
  std::size_t nul_column() const { return nul_column_; }
  // After kTooLong: hands over what follows raw() in the line, piece by piece; empty at its end.
  std::string_view skip_rest();

 private:
  bool fill();
  void take(std::size_t raw_bytes);
  Result finish_line(std::size_t raw_bytes);

  TextSource& source_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t begin_ = 0;  // of what is not handed out
  std::size_t end_ = 0;    // of what was read
  std::size_t max_line_bytes_ = std::size_t{1} << 20;
  bool at_end_ = false;
  bool peeked_everything_ = false;
  bool nul_seen_ = false;     // somewhere in the text read so far
  bool inside_line_ = false;  // the rest of a line that is too long is to come
  std::string_view text_, raw_;
  std::uint64_t number_ = 0;
  std::uint64_t n_joined_ = 1;
  std::size_t first_raw_bytes_ = 0;  // of the first of the joined lines
  char line_end_ = '\n';
  std::size_t nul_column_ = 0;
};

}  // namespace unfold
