#include "host/cli/text_output.hpp"

#include <cstdio>

#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"

namespace unfold::cli {

TextOutput::TextOutput(const std::string& file, bool overwrite) {
  if (!file.empty() && !is_stdout(file)) staged_.emplace(file, overwrite ? Existing::kReplace : Existing::kRefuse);
}

FileWriter& TextOutput::writer() {
  if (!writer_.has_value()) writer_.emplace(FileWriter::create(staged_->path()));
  return *writer_;
}

void TextOutput::write(std::string_view text) {
  if (staged_.has_value()) return writer().write(text);
  write_stdout(text);
  // A reader that has gone needs no more of it.
  if (std::ferror(stdout) != 0) finish_stdout();
}

void TextOutput::commit() {
  if (!staged_.has_value()) return;
  writer().close();
  staged_->commit();
}

}  // namespace unfold::cli
