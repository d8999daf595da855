// Hidden temporary files and folders, ".unfold-*.tmp", and the removal of those that a killed run has left.
//
// Who makes an entry holds the lock of it (flock) until it is renamed or removed, and the kernel lets go of the lock
// with the process. So an entry without a lock is litter, whoever made it. Names begin with a number of the running
// system: what another machine made, on a disk that both use and where locks may not reach, or this one before it was
// started anew, must be a day old besides.
#pragma once

#include <filesystem>

#include "host/io/file.hpp"

namespace unfold {

// A file or folder that was made, and the descriptor that holds its lock; else `error` (errno) and no descriptor.
struct TemporaryEntry {
  std::filesystem::path path;
  FileDescriptor descriptor;
  int error = 0;
};

// Empty, with the permissions of any new file or folder, in `directory`.
TemporaryEntry make_temporary_file(const std::filesystem::path& directory);
TemporaryEntry make_temporary_directory(const std::filesystem::path& directory);

// Locks an entry that is there, so that no other run takes it for litter while it has a temporary name. Not open where
// that is impossible.
FileDescriptor lock_entry(const std::filesystem::path& path);

// Whether an entry of a folder has the name of a temporary one.
bool is_temporary_name(std::string_view name);

// Removes what is litter in `directory` and belongs to this user. What cannot be removed stays.
void remove_litter(const std::filesystem::path& directory) noexcept;

// The system's folder for temporary files, without litter. Throws DataError where there is none.
std::filesystem::path temporary_directory();
// Removes the litter of that folder, where there is one.
void remove_temporary_litter() noexcept;

}  // namespace unfold
