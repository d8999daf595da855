#include "host/io/temporary_map.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>

#include "host/io/file.hpp"
#include "host/io/map_registry.hpp"
#include "host/io/temporary.hpp"
#include "unfold/error.hpp"

namespace unfold {

TemporaryMap::TemporaryMap(std::uint64_t bytes) {
  if (bytes == 0) return;
  const std::filesystem::path folder = temporary_directory();
  FileWriter file = FileWriter::unnamed(folder);
  const FileDescriptor descriptor = file.release();
  // Room is taken now: a write to a map of a full disk would end the process.
  const int error = ::posix_fallocate(descriptor.get(), 0, static_cast<off_t>(bytes));
  if (error != 0) {
    throw DataError(
        fmt::format("{}: cannot take {} bytes for a temporary file: {}; free some space, or set TMPDIR to a "
                    "folder with more",
                    folder.string(), bytes, errno_text(error)));
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (data == MAP_FAILED) {
    throw DataError(fmt::format("{}: cannot map {} bytes: {}", file.name().string(), bytes, errno_text(errno)));
  }
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
  register_map(data_, bytes, file.name().native());
}

TemporaryMap::~TemporaryMap() {
  if (data_ == nullptr) return;
  forget_map(data_);
  ::munmap(data_, size_);
}

}  // namespace unfold
