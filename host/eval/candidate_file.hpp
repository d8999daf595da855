// Reads the layout of the NCF data sets: "(user,item)", then a tab and an id for each negative.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/line_reader.hpp"
#include "host/data/text_source.hpp"

namespace unfold {

// Ids point into the reader and hold until the next line is read.
struct CandidateLine {
  std::string_view user;
  std::string_view item;
  std::vector<std::string_view> negatives;  // at least one, none of them the item
};

class CandidateReader {
 public:
  // Opens a file, plain, .gz or .zst. Throws DataError where it cannot be read, is a directory, a pipe or a device, or
  // is empty.
  explicit CandidateReader(const std::filesystem::path& file);

  // False at the end. Blank lines, a byte-order mark and CRLF are passed over. Throws DataError with file and line; a
  // line has at most 256 MiB.
  bool read(CandidateLine& line);

 private:
  void parse(CandidateLine& line) const;
  [[noreturn]] void fail(const std::string& message) const;

  TextSource source_;
  LineReader lines_;
};

}  // namespace unfold
