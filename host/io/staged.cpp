#include "host/io/staged.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <system_error>

#include "host/io/file.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

// Absolute, without a trailing slash, symbolic links followed.
fs::path resolved(const fs::path& target) {
  if (target.empty()) throw UsageError("the name of the output is empty");
  std::error_code error;
  fs::path path = fs::weakly_canonical(fs::absolute(target), error);
  if (error) throw DataError(fmt::format("{}: cannot resolve the path: {}", target.string(), error.message()));
  if (!path.has_filename()) path = path.parent_path();
  const fs::path parent = path.parent_path();
  if (!fs::is_directory(parent, error)) {
    throw DataError(fmt::format("{}: the folder {} does not exist; make it first", target.string(), parent.string()));
  }
  return path;
}

// A name beside `target` that no one else chooses.
fs::path sibling(const fs::path& target) {
  std::random_device source;
  const std::uint64_t high = source();
  return target.parent_path() / fmt::format(".unfold-{:016x}.tmp", high << 32 | source());
}

fs::path make_sibling_directory(const fs::path& target) {
  for (;;) {
    fs::path path = sibling(target);
    if (::mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) {
      throw DataError(fmt::format("{}: cannot create a folder in {}: {}; check the permissions and the free space",
                                  target.string(), target.parent_path().string(), errno_text(errno)));
    }
  }
}

bool lacks_rename_flags(int error) { return error == EINVAL || error == ENOSYS || error == ENOTSUP; }

int rename_flagged(const fs::path& from, const fs::path& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

int rename_plain(const fs::path& from, const fs::path& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

[[noreturn]] void fail_rename(const fs::path& given, int error) {
  throw DataError(
      fmt::format("{}: cannot rename the finished output into place: {}", given.string(), errno_text(error)));
}

[[noreturn]] void fail_exists(const fs::path& given) {
  throw UsageError(
      fmt::format("{}: exists already; choose another name, remove it, or allow overwriting", given.string()));
}

// Swaps two names that both exist. Falls back to three renames, undone where the second fails.
int exchange(const fs::path& one, const fs::path& other) {
  const int error = rename_flagged(one, other, RENAME_EXCHANGE);
  if (error == 0 || !lacks_rename_flags(error)) return error;
  const fs::path aside = sibling(other);
  if (const int first = rename_plain(other, aside)) return first;
  if (const int second = rename_plain(one, other)) {
    rename_plain(aside, other);
    return second;
  }
  return rename_plain(aside, one);
}

}  // namespace

StagedDirectory::StagedDirectory(const fs::path& target)
    : given_(target), target_(resolved(target)), path_(make_sibling_directory(target_)) {}

StagedDirectory::~StagedDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void StagedDirectory::sync_files() const {
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) sync_path(entry.path());
  sync_path(path_);
}

void StagedDirectory::commit() {
  sync_files();
  int error = rename_flagged(path_, target_, RENAME_NOREPLACE);
  if (lacks_rename_flags(error)) {
    // A plain rename replaces nothing but an empty directory.
    error = fs::exists(fs::symlink_status(target_)) ? EEXIST : rename_plain(path_, target_);
  }
  if (error == EEXIST || error == ENOTEMPTY) fail_exists(given_);
  if (error != 0) fail_rename(given_, error);
  path_.clear();
  sync_path(target_.parent_path());
}

void StagedDirectory::commit_replacing(const ReplaceCheck& check) {
  if (!fs::exists(fs::symlink_status(target_))) return commit();
  check(target_);
  sync_files();
  if (const int error = exchange(path_, target_)) fail_rename(given_, error);
  // The old directory now stands at path_. Someone may have put another there since the first check.
  try {
    check(path_);
  } catch (...) {
    exchange(path_, target_);
    throw;
  }
  sync_path(target_.parent_path());
  std::error_code ignored;  // the new output is in place; what is left of the old one is hidden and harmless
  fs::remove_all(path_, ignored);
  path_.clear();
}

StagedFile::StagedFile(const fs::path& target) : target_(resolved(target)), path_(sibling(target_)) {
  // A rename would take the place of a device or a pipe.
  std::error_code ignored;
  const fs::file_status status = fs::status(target_, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw UsageError(fmt::format("{}: exists and is no regular file, so it is not replaced; choose another name",
                                 target.string()));
  }
}

StagedFile::~StagedFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void StagedFile::commit() {
  sync_path(path_);
  if (const int error = rename_plain(path_, target_)) fail_rename(target_, error);
  path_.clear();
  sync_path(target_.parent_path());
}

}  // namespace unfold
