#include "host/io/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "host/io/map_registry.hpp"
#include "host/io/temporary.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// One write call moves at most this much: Linux stops a little under 2 GiB.
constexpr std::uint64_t kMaxCallBytes = std::uint64_t{1} << 30;

constexpr int kPatienceMilliseconds = 5000;

std::string advice(int error) {
  switch (error) {
    case ENOENT:
      return "; check the path";
    case EACCES:
    case EPERM:
      return "; check the permissions";
    case ENOSPC:
    case EDQUOT:
      return "; free some space or choose another folder";
    default:
      return "";
  }
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& action, int error) {
  throw DataError(fmt::format("{}: cannot {}: {}{}", path.string(), action, errno_text(error), advice(error)));
}

FileDescriptor open_file(const std::filesystem::path& path, int flags, const char* action) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(path, action, errno);
  return FileDescriptor(descriptor);
}

}  // namespace

std::string errno_text(int error) { return std::generic_category().message(error); }

FileDescriptor::~FileDescriptor() { close(); }

int FileDescriptor::close() {
  const int value = std::exchange(value_, -1);
  return value < 0 ? 0 : ::close(value);
}

void fail_in(const MappedFile& file, const std::string& what) {
  throw DataError(fmt::format("{}: {}", file.name().string(), what));
}

MappedFile::~MappedFile() {
  if (data_ == nullptr) return;
  forget_map(data_);
  ::munmap(const_cast<std::byte*>(data_), static_cast<std::size_t>(size_));
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(name_, other.name_);
}

MappedFile MappedFile::open(const std::filesystem::path& file) {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever; regular files do not mind.
  return map(open_file(file, O_RDONLY | O_NONBLOCK, "open the file"), file);
}

MappedFile MappedFile::map(const FileDescriptor& descriptor, const std::filesystem::path& name) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail(name, "read the file's size", errno);
  if (!S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{}: is not a regular file but a {}", name.string(),
                                S_ISDIR(status.st_mode) ? "folder" : "pipe or device"));
  }
  MappedFile file;
  file.name_ = name;
  if (status.st_size == 0) return file;  // mmap has no empty maps
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (data == MAP_FAILED) fail(name, fmt::format("map {} bytes", bytes), errno);
  file.data_ = static_cast<const std::byte*>(data);
  file.size_ = bytes;
  register_map(data, bytes, name.native());
  return file;
}

FileWriter::FileWriter(FileDescriptor descriptor, std::filesystem::path name)
    : descriptor_(std::move(descriptor)), name_(std::move(name)), buffer_(new std::byte[kBufferBytes]) {}

FileWriter FileWriter::create(const std::filesystem::path& file) {
  return {open_file(file, O_WRONLY | O_CREAT | O_TRUNC, "create the file"), file};
}

FileWriter FileWriter::unnamed(const std::filesystem::path& directory) {
  const std::filesystem::path name = directory / "(temporary file)";
  const int descriptor = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return {FileDescriptor(descriptor), name};
  // Not every file system knows O_TMPFILE: a name that is gone at once does the same.
  TemporaryEntry entry = make_temporary_file(directory);
  if (!entry.descriptor.is_open()) fail(directory, "create a temporary file", entry.error);
  ::unlink(entry.path.c_str());
  return {std::move(entry.descriptor), name};
}

void FileWriter::write_out(const void* data, std::uint64_t bytes, std::uint64_t offset) {
  const auto* next = static_cast<const std::byte*>(data);
  std::uint64_t left = bytes;
  while (left != 0) {
    const auto count = static_cast<std::size_t>(std::min(left, kMaxCallBytes));
    const ssize_t written = ::pwrite(descriptor_.get(), next, count, static_cast<off_t>(offset + (bytes - left)));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      fail(name_, fmt::format("write {} bytes at offset {}", left, offset + (bytes - left)),
           written == 0 ? ENOSPC : errno);
    }
    next += written;
    left -= static_cast<std::uint64_t>(written);
  }
}

void FileWriter::flush() {
  write_out(buffer_.get(), used_, flushed_);
  flushed_ += used_;
  used_ = 0;
}

void FileWriter::write_through(const void* data, std::uint64_t bytes) {
  flush();
  if (bytes < kBufferBytes) return write(data, bytes);
  write_out(data, bytes, flushed_);
  flushed_ += bytes;
}

void FileWriter::write_at(std::uint64_t offset, const void* data, std::uint64_t bytes) {
  flush();
  write_out(data, bytes, offset);
}

void FileWriter::sync() {
  flush();
  if (::fsync(descriptor_.get()) != 0) fail(name_, fmt::format("sync {} bytes to the disk", flushed_), errno);
}

void FileWriter::close() {
  flush();
  if (descriptor_.close() != 0) fail(name_, fmt::format("close the file after {} bytes", flushed_), errno);
}

FileDescriptor FileWriter::release() {
  flush();
  return std::move(descriptor_);
}

int write_to_descriptor(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), std::min<std::size_t>(bytes.size(), kMaxCallBytes));
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || errno != EAGAIN) return n == 0 ? ENOSPC : errno;
    pollfd writable = {descriptor, POLLOUT, 0};
    if (::poll(&writable, 1, kPatienceMilliseconds) == 0) return ETIMEDOUT;
  }
  return 0;
}

void write_whole_file(const std::filesystem::path& file, std::string_view bytes) {
  FileWriter writer = FileWriter::create(file);
  writer.write(bytes);
  writer.close();
}

std::string read_whole_file(const std::filesystem::path& file) { return std::string(MappedFile::open(file).text()); }

void sync_path(const std::filesystem::path& path) {
  const FileDescriptor descriptor = open_file(path, O_RDONLY, "open for sync");
  // File systems without a sync of directories say EINVAL; there is nothing to wait for then.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) fail(path, "sync to the disk", errno);
}

}  // namespace unfold
