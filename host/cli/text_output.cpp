#include "host/cli/text_output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "unfold/error.hpp"

namespace unfold::cli {

TextOutput::TextOutput(const std::string& file) {
  if (!file.empty()) staged_.emplace(file);
}

FileWriter& TextOutput::writer() {
  if (!writer_.has_value()) writer_.emplace(FileWriter::create_new(staged_->path()));
  return *writer_;
}

void TextOutput::write(std::string_view text) {
  if (staged_.has_value()) return writer().write(text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw DataError(fmt::format("standard output cannot be written: {}", errno_text(errno)));
  }
}

void TextOutput::commit() {
  if (!staged_.has_value()) return;
  writer().close();
  staged_->commit();
}

}  // namespace unfold::cli
