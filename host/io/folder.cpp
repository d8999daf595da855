#include "host/io/folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "host/io/temporary.hpp"

namespace unfold {

namespace fs = std::filesystem;

Folder Folder::open(const fs::path& path, const fs::path& name) {
  Folder folder;
  folder.path_ = name;
  folder.descriptor_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  if (!folder.descriptor_.is_open()) {
    const int error = errno;
    if (error == ENOTDIR) {
      throw DataError(fmt::format("{}: is no folder; give one that train, import or export wrote", name.string()));
    }
    throw DataError(fmt::format("{}: cannot open the folder: {}; check the path", name.string(), errno_text(error)));
  }
  return folder;
}

MappedFile Folder::map(std::string_view file) const {
  const std::string name(file);
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever; regular files do not mind.
  const FileDescriptor descriptor(::openat(descriptor_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) {
    throw DataError(fmt::format("{}: cannot open the file: {}; check the path and the permissions",
                                (path_ / name).string(), errno_text(errno)));
  }
  return MappedFile::map(descriptor, path_ / name);
}

bool Folder::has(std::string_view file) const {
  struct stat status {};
  return ::fstatat(descriptor_.get(), std::string(file).c_str(), &status, 0) == 0 && S_ISREG(status.st_mode);
}

void Folder::replace(std::string_view file, std::string_view bytes) const {
  const fs::path here = fmt::format("/proc/self/fd/{}", descriptor_.get());
  std::error_code ignored;
  // Beside the folder, where the next run that writes there removes what a killed one has left; inside it, where the
  // folder is a disk of its own.
  const fs::path places[] = {fs::absolute(path_, ignored).parent_path(), here};
  int error = 0;
  for (const fs::path& place : places) {
    const TemporaryEntry entry = make_temporary_file(place);
    error = entry.error;
    if (error != 0) continue;
    try {
      FileWriter writer = FileWriter::create(entry.path);
      writer.write(bytes);
      writer.sync();
      writer.close();
    } catch (const DataError&) {
      ::unlink(entry.path.c_str());
      throw;
    }
    if (::rename(entry.path.c_str(), (here / file).c_str()) == 0) {
      ::fsync(descriptor_.get());
      return;
    }
    error = errno;
    ::unlink(entry.path.c_str());
  }
  throw DataError(fmt::format("{}: cannot be replaced: {}", (path_ / file).string(), errno_text(error)));
}

bool Folder::is_replaced() const {
  std::error_code ignored;
  struct stat status {};
  if (is_current() || !fs::exists(path_, ignored) || ::fstat(descriptor_.get(), &status) != 0) return false;
  // One that was moved has a name of its own; one that is being replaced, a temporary name until it is removed.
  const fs::path place = fs::read_symlink(fmt::format("/proc/self/fd/{}", descriptor_.get()), ignored);
  return status.st_nlink == 0 || is_temporary_name(place.filename().string());
}

bool Folder::is_current() const {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor_.get(), &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace unfold
