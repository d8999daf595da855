// The text of an input file: plain, gzip or zstd, found out from its first bytes and decompressed while it is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "host/data/raw_file.hpp"

namespace unfold {

class TextSource {
 public:
  // Throws DataError as RawFile does, and for kinds of files that are known and not read (binary_kind.hpp).
  explicit TextSource(const std::filesystem::path& path, const char* content = kRatingsContent);
  ~TextSource();

  // Copies the next bytes of text to `out`; 0 at the end. Throws DataError where compressed data is corrupt or ends
  // early, with the bytes read until then.
  std::size_t read(char* out, std::size_t capacity);

  const std::string& name() const { return raw_.name(); }
  // What it should hold, for messages.
  const char* content() const { return raw_.content(); }
  // "", "gzip" or "zstd".
  const char* compression() const;
  // Of the file as it lies on the disk.
  std::uint64_t raw_bytes_read() const { return raw_.bytes_read(); }
  // Of the bytes on the disk; of all of them once read() has returned 0.
  ContentHash hash() const { return raw_.hash(); }

  // One kind of compression.
  class Decoder;

 private:
  RawFile raw_;
  std::unique_ptr<Decoder> decoder_;  // null for plain text
};

}  // namespace unfold
