// Where a command writes its results: a file that appears whole or not at all, or standard output.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/io/file.hpp"
#include "host/io/staged.hpp"

namespace unfold::cli {

class TextOutput {
 public:
  // An empty name is standard output, as /dev/stdout is. Throws where a file of that name cannot be made, or is there
  // and is not to be overwritten.
  TextOutput(const std::string& file, bool overwrite);
  // Throws DataError.
  void write(std::string_view text);
  // Puts the file in place.
  void commit();

 private:
  FileWriter& writer();

  std::optional<StagedFile> staged_;
  std::optional<FileWriter> writer_;
};

}  // namespace unfold::cli
