// Output that appears whole or not at all: written under a hidden temporary name beside its target, synced, and
// renamed into place. What is not committed is removed by the destructor, and what a run that was killed has left, by
// the next one that writes there (temporary.hpp).
#pragma once

#include <filesystem>
#include <functional>

#include "host/io/output_rule.hpp"
#include "host/io/temporary.hpp"

namespace unfold {

// Says whether the directory given may be replaced, and throws UsageError (what it is, what to do) where not.
using ReplaceCheck = std::function<void(const std::filesystem::path& existing)>;

class StagedDirectory {
 public:
  // Makes an empty directory beside `target`. The parent of `target` exists. A `target` that is a symbolic link
  // means the place it points to. Throws DataError.
  explicit StagedDirectory(const std::filesystem::path& target);
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  // Where the files are written.
  const std::filesystem::path& path() const { return path_; }

  // Syncs the files in path() and renames. Throws UsageError where the target exists, decided by the rename
  // itself, so that of two writers one loses and nothing is overwritten.
  void commit();
  // Likewise, but a target that exists is swapped for the new one and then removed. `check` sees what is
  // replaced, before the swap and again after it (where it stands at path()); when it throws then, the swap is
  // undone. On file systems that cannot swap two names, the target is absent for an instant, in which it has the name
  // TARGET.replaced-*; a run that is killed in that instant leaves it there.
  void commit_replacing(const ReplaceCheck& check);

 private:
  void sync_files() const;
  std::filesystem::path given_;  // the target as given, for messages
  std::filesystem::path target_;
  std::filesystem::path path_;
  FileDescriptor lock_;
};

// A target such as /dev/stdout or /dev/fd/3, an open descriptor, gets all bytes at the commit and stays what it is.
class StagedFile {
 public:
  // Makes an empty file beside `target`, or of a descriptor among the temporary files. Throws DataError where that
  // fails, UsageError where `target` is there and no regular file (a folder, a device), or is there and `existing` is
  // kRefuse.
  StagedFile(const std::filesystem::path& target, Existing existing);
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  // The name to write the file under.
  const std::filesystem::path& path() const { return entry_.path; }
  // Syncs, renames, and returns the name. With kRefuse, throws UsageError where the target has come meanwhile.
  std::filesystem::path commit();

 private:
  void stage_for_descriptor();
  void write_descriptor();

  std::filesystem::path given_;  // the target as given
  int descriptor_;               // that it names, else -1
  std::filesystem::path target_;
  Existing existing_;
  TemporaryEntry entry_;
};

}  // namespace unfold
