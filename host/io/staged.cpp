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

fs::path visible_sibling(const fs::path& target) {
  std::random_device source;
  return fs::path(fmt::format("{}.replaced-{:08x}", target.string(), source()));
}

[[noreturn]] void fail_to_make(const fs::path& target, const char* what, int error) {
  throw DataError(fmt::format("{}: cannot create a {} in {}: {}; check the permissions and the free space",
                              target.string(), what, target.parent_path().string(), errno_text(error)));
}

bool lacks_rename_flags(int error) { return error == EINVAL || error == ENOSYS || error == ENOTSUP; }

int rename_flagged(const fs::path& from, const fs::path& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

int rename_plain(const fs::path& from, const fs::path& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

// Replaces nothing: EEXIST where the name is taken.
int rename_new(const fs::path& from, const fs::path& to) {
  const int error = rename_flagged(from, to, RENAME_NOREPLACE);
  if (!lacks_rename_flags(error)) return error;
  if (fs::is_directory(from)) {
    // A plain rename replaces nothing but an empty directory.
    return fs::exists(fs::symlink_status(to)) ? EEXIST : rename_plain(from, to);
  }
  if (::link(from.c_str(), to.c_str()) == 0) return ::unlink(from.c_str()) == 0 ? 0 : errno;
  // Some know no links either.
  if (errno == EEXIST) return EEXIST;
  return fs::exists(fs::symlink_status(to)) ? EEXIST : rename_plain(from, to);
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
  // Not a temporary name: if the run is killed here, what stands aside is all that there is.
  const fs::path aside = visible_sibling(other);
  if (const int first = rename_plain(other, aside)) return first;
  if (const int second = rename_plain(one, other)) {
    rename_plain(aside, other);
    return second;
  }
  return rename_plain(aside, one);
}

}  // namespace

StagedDirectory::StagedDirectory(const fs::path& target) : given_(target), target_(resolved(target)) {
  remove_litter(target_.parent_path());
  TemporaryEntry entry = make_temporary_directory(target_.parent_path());
  if (entry.error != 0) fail_to_make(target_, "folder", entry.error);
  path_ = std::move(entry.path);
  lock_ = std::move(entry.descriptor);
}

StagedDirectory::~StagedDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void StagedDirectory::sync_files() const {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_)) sync_path(entry.path());
  sync_path(path_);
}

void StagedDirectory::commit() {
  sync_files();
  const int error = rename_new(path_, target_);
  if (error == EEXIST || error == ENOTEMPTY) fail_exists(given_);
  if (error != 0) fail_rename(given_, error);
  path_.clear();
  sync_path(target_.parent_path());
}

void StagedDirectory::commit_replacing(const ReplaceCheck& check) {
  if (!fs::exists(fs::symlink_status(target_))) return commit();
  check(target_);
  sync_files();
  // With its lock, what is replaced is no litter while it has a temporary name and may yet be put back.
  const FileDescriptor lock_of_replaced = lock_entry(target_);
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

StagedFile::StagedFile(const fs::path& target, Existing existing)
    : given_(target),
      descriptor_(open_descriptor(target)),
      target_(descriptor_ >= 0 ? target : resolved(target)),
      existing_(existing) {
  if (descriptor_ >= 0) {
    stage_for_descriptor();
    return;
  }
  // A rename would take the place of a device or a pipe.
  std::error_code ignored;
  const fs::file_status status = fs::status(target_, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status) && existing != Existing::kNextFree) {
    throw UsageError(
        fmt::format("{}: exists and is no regular file, so it is not replaced; choose another name", target.string()));
  }
  if (fs::exists(fs::symlink_status(target_, ignored)) && existing == Existing::kRefuse) fail_exists(given_);
  remove_litter(target_.parent_path());
  entry_ = make_temporary_file(target_.parent_path());
  if (entry_.error != 0) fail_to_make(target_, "file", entry_.error);
}

StagedFile::~StagedFile() {
  if (!entry_.path.empty()) ::unlink(entry_.path.c_str());
}

void StagedFile::stage_for_descriptor() {
  const fs::path folder = temporary_directory();
  entry_ = make_temporary_file(folder);
  if (entry_.error != 0) fail_to_make(folder / "file", "file", entry_.error);
}

void StagedFile::write_descriptor() {
  const MappedFile bytes = MappedFile::open(entry_.path);
  if (const int error = write_to_descriptor(descriptor_, bytes.text()); error != 0) {
    throw DataError(fmt::format("{}: cannot be written: {}", given_.string(), errno_text(error)));
  }
}

fs::path StagedFile::commit() {
  if (descriptor_ >= 0) {
    write_descriptor();
    return given_;
  }
  sync_path(entry_.path);
  unsigned number = 1;
  int error = existing_ == Existing::kReplace ? rename_plain(entry_.path, target_) : rename_new(entry_.path, target_);
  while (error == EEXIST && existing_ == Existing::kNextFree) {
    error = rename_new(entry_.path, numbered(target_, ++number));
  }
  if (error == EEXIST && existing_ == Existing::kRefuse) fail_exists(given_);
  if (error != 0) fail_rename(given_, error);
  entry_.path.clear();
  sync_path(target_.parent_path());
  return numbered(given_, number);
}

}  // namespace unfold
