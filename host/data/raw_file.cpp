#include "host/data/raw_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

// How long a pipe is waited for that nobody writes to.
constexpr int kWriterWaitMs = 5000;

FileDescriptor open_file(const std::string& name, std::string_view content, std::uint64_t& size) {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever, and so would reading it.
  FileDescriptor descriptor(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) throw DataError(fmt::format("{}: no such file; check the path", name));
    if (error == EACCES) throw DataError(fmt::format("{}: no permission to read it; see chmod", name));
    throw DataError(fmt::format("{}: cannot open: {}", name, errno_text(error)));
  }
  struct stat status = {};
  if (::fstat(descriptor.get(), &status) != 0) {
    throw DataError(fmt::format("{}: cannot look at the file: {}", name, errno_text(errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    const bool is_dataset = std::filesystem::exists(std::filesystem::path(name) / "dataset.json");
    throw DataError(fmt::format("{}: is {}; name a file of {}", name,
                                is_dataset ? "an imported data set, and what is imported is a file"
                                : content == kRatingsContent
                                    ? "a directory and holds no imported data set (no dataset.json)"
                                    : "a directory",
                                content));
  }
  if (S_ISFIFO(status.st_mode)) return descriptor;
  if (!S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{}: is a terminal or device; name a file or a pipe", name));
  }
  if (status.st_size == 0) {
    throw DataError(fmt::format("{}: the file is empty; it should hold {}", name, content));
  }
  size = static_cast<std::uint64_t>(status.st_size);
  return descriptor;
}

}  // namespace

struct RawFile::Hasher {
  Hasher() : state(XXH3_createState()) {
    if (state == nullptr || XXH3_128bits_reset(state) != XXH_OK) throw std::bad_alloc();
  }
  ~Hasher() { XXH3_freeState(state); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  XXH3_state_t* state;
};

RawFile::RawFile(const std::filesystem::path& path, const char* content)
    : name_(path.string()),
      content_(content),
      descriptor_(open_file(name_, content, bytes_total_)),
      hasher_(std::make_unique<Hasher>()),
      buffer_(new char[kBufferBytes]) {
  ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

RawFile::~RawFile() = default;

std::size_t RawFile::read_some(char* out, std::size_t capacity) {
  ssize_t got = 0;
  do {
    got = ::read(descriptor_.get(), out, capacity);
  } while ((got < 0 && errno == EINTR) || (got < 0 && errno == EAGAIN && wait_for_writer(true)) ||
           (got == 0 && bytes_total_ == 0 && bytes_read_ == 0 && wait_for_writer(false)));
  if (got < 0) {
    throw DataError(fmt::format("{}: cannot read on after {} bytes: {}", name_, bytes_read_, errno_text(errno)));
  }
  const std::size_t bytes = static_cast<std::size_t>(got);
  XXH3_128bits_update(hasher_->state, out, bytes);
  bytes_read_ += bytes;
  return bytes;
}

// Waits until a pipe has something to read, or its end: for ever where there is a writer, else a while for one to come.
bool RawFile::wait_for_writer(bool writer_is_there) {
  pollfd pipe = {descriptor_.get(), POLLIN, 0};
  if (!writer_is_there && std::exchange(waited_, true)) return false;
  const int result = ::poll(&pipe, 1, writer_is_there ? -1 : kWriterWaitMs);
  if (result < 0 && errno == EINTR) throw DataError(fmt::format("{}: reading was interrupted", name_));
  return true;
}

bool RawFile::fill() {
  if (begin_ < end_) return true;
  begin_ = 0;
  end_ = read_some(buffer_.get(), kBufferBytes);
  return end_ > 0;
}

std::size_t RawFile::read(char* out, std::size_t capacity) {
  if (begin_ == end_) return read_some(out, capacity);
  const std::size_t bytes = std::min(capacity, end_ - begin_);
  std::memcpy(out, buffer_.get() + begin_, bytes);
  begin_ += bytes;
  return bytes;
}

ContentHash RawFile::hash() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(hasher_->state);
  return hash_digits(hash.high64, hash.low64);
}

ContentHash hash_file(const std::filesystem::path& path) {
  RawFile file(path);
  while (file.fill()) file.consume(file.available().size());
  return file.hash();
}

ContentHash combined_hash(const std::vector<ContentHash>& hashes) {
  if (hashes.size() == 1) return hashes[0];
  return hash_text(fmt::format("{}", fmt::join(hashes, "\n")));
}

ContentHash hash_files(const std::vector<std::filesystem::path>& paths) {
  std::vector<ContentHash> hashes;
  for (const std::filesystem::path& path : paths) hashes.push_back(hash_file(path));
  return combined_hash(hashes);
}

}  // namespace unfold
