// Files, checked: every failure is a DataError that names the path, what was tried, and the system's reason.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace unfold {

// The system's words for an errno value.
std::string errno_text(int error);

// Owner of a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int value) : value_(value) {}
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  // Closes now and returns close's result, so that a late write error is seen.
  int close();

 private:
  int value_ = -1;
};

// Read-only memory map of a whole regular file. Where another program cuts the file short, reading what is gone ends
// the process with SIGBUS; map_registry.hpp tells a handler which file it was.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    MappedFile moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~MappedFile();

  static MappedFile open(const std::filesystem::path& file);
  // `name` stands for the file in messages. The map outlives the descriptor.
  static MappedFile map(const FileDescriptor& descriptor, const std::filesystem::path& name);

  std::span<const std::byte> bytes() const { return {data_, static_cast<std::size_t>(size_)}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), static_cast<std::size_t>(size_)}; }
  const std::filesystem::path& name() const { return name_; }

 private:
  void swap(MappedFile& other) noexcept;
  const std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
  std::filesystem::path name_;
};

// Throws DataError: "FILE: what".
[[noreturn]] void fail_in(const MappedFile& file, const std::string& what);

// Writes a file from start to end through a buffer of a fixed size. A writer that is destroyed before close()
// or release() drops what is still in its buffer.
class FileWriter {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

  // Creates the file, or empties it.
  static FileWriter create(const std::filesystem::path& file);
  // A file without a name in `directory`, readable too: the kernel removes it with its last descriptor or map.
  static FileWriter unnamed(const std::filesystem::path& directory);

  void write(const void* data, std::uint64_t bytes) {
    if (bytes > kBufferBytes - used_) return write_through(data, bytes);
    if (bytes != 0) std::memcpy(buffer_.get() + used_, data, static_cast<std::size_t>(bytes));
    used_ += static_cast<std::size_t>(bytes);
  }
  void write(std::string_view text) { write(text.data(), text.size()); }
  // The bytes of one value, as they are in memory.
  template <typename T>
  requires std::is_trivially_copyable_v<T> &&(!std::is_convertible_v<T, std::string_view>)void put(T value) {
    write(&value, sizeof(T));
  }

  // Bytes written so far, the buffer's included.
  std::uint64_t size() const { return flushed_ + used_; }
  void flush();
  // Replaces bytes that were written before.
  void write_at(std::uint64_t offset, const void* data, std::uint64_t bytes);
  // Flushes and waits until the bytes are on the disk.
  void sync();
  // Flushes and closes.
  void close();
  // Flushes and hands the descriptor over.
  FileDescriptor release();
  const std::filesystem::path& name() const { return name_; }

 private:
  FileWriter(FileDescriptor descriptor, std::filesystem::path name);
  void write_through(const void* data, std::uint64_t bytes);
  void write_out(const void* data, std::uint64_t bytes, std::uint64_t offset);

  FileDescriptor descriptor_;
  std::filesystem::path name_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0;
  std::uint64_t flushed_ = 0;
};

// Writes to a descriptor at its own place, as a shell's redirection has it, and waits a few seconds for a pipe that
// nobody empties. Returns 0, or the errno of what went wrong.
int write_to_descriptor(int descriptor, std::string_view bytes);

// Creates the file (or empties it), writes the bytes and closes it.
void write_whole_file(const std::filesystem::path& file, std::string_view bytes);
std::string read_whole_file(const std::filesystem::path& file);

// Waits until a file's bytes, or a directory's entries, are on the disk.
void sync_path(const std::filesystem::path& path);

}  // namespace unfold
