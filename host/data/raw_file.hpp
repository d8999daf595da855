// The bytes of an input file as they lie on the disk, read once from start to end and hashed on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/content_hash.hpp"
#include "host/io/file.hpp"

namespace unfold {

inline constexpr const char* kRatingsContent = "ratings";

class RawFile {
 public:
  // Opens a regular file or a pipe. Throws DataError for one that is missing, a directory, a device, not readable, or a
  // regular file that is empty; `content` is what the file should hold, for messages.
  explicit RawFile(const std::filesystem::path& path, const char* content = kRatingsContent);
  ~RawFile();

  // Bytes that were read from the file and not consumed. Valid until the next call that reads.
  std::string_view available() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  // Reads on when nothing is available. False at the end of the file. Throws DataError when the system cannot read.
  bool fill();
  // Copies to `out` past the buffer where that is empty. 0 at the end of the file.
  std::size_t read(char* out, std::size_t capacity);

  const std::string& name() const { return name_; }
  const char* content() const { return content_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  // 0 for a pipe.
  std::uint64_t bytes_total() const { return bytes_total_; }
  // Of the bytes read so far.
  ContentHash hash() const;

 private:
  std::size_t read_some(char* out, std::size_t capacity);
  bool wait_for_writer(bool writer_is_there);

  struct Hasher;
  std::string name_;
  const char* content_;
  std::uint64_t bytes_total_ = 0;  // when it was opened
  FileDescriptor descriptor_;
  std::unique_ptr<Hasher> hasher_;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t bytes_read_ = 0;
  bool waited_ = false;  // for somebody to write to a pipe
};

// Of all of a file's bytes. Throws DataError as RawFile does.
ContentHash hash_file(const std::filesystem::path& path);
// Of several files: of one file its own hash.
ContentHash combined_hash(const std::vector<ContentHash>& hashes);
ContentHash hash_files(const std::vector<std::filesystem::path>& paths);

}  // namespace unfold
