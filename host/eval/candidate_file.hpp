// Reads the layout of the NCF data sets: "(user,item)", then a tab and an id for each negative.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace unfold {

// Ids point into the reader and hold until the next line is read.
struct CandidateLine {
  std::string_view user;
  std::string_view item;
  std::vector<std::string_view> negatives;  // at least one, none of them the item
};

class CandidateReader {
 public:
  // Throws DataError where the file cannot be read.
  explicit CandidateReader(const std::filesystem::path& file);

  // False at the end. Blank lines, a byte-order mark and CRLF are passed over. Throws DataError with file and line.
  bool read(CandidateLine& line);

 private:
  void parse(CandidateLine& line) const;
  [[noreturn]] void fail(const std::string& message) const;

  std::filesystem::path file_;
  std::ifstream in_;
  std::string text_;
  std::uint64_t n_lines_ = 0;
};

}  // namespace unfold
