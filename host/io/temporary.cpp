#include "host/io/temporary.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".unfold-", kSuffix = ".tmp";
constexpr std::size_t kSystemDigits = 8, kDigits = 16;
constexpr std::time_t kDay = 86400;

// Another number after each start of the machine; 0 where the system does not tell.
std::uint32_t system_number() {
  static const std::uint32_t number = [] {
    const FileDescriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 64> text{};
    const ssize_t bytes = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
    return bytes <= 0 ? 0 : static_cast<std::uint32_t>(XXH3_64bits(text.data(), static_cast<std::size_t>(bytes)));
  }();
  return number;
}

fs::path random_name(const fs::path& directory) {
  std::random_device source;
  return directory / fmt::format("{}{:08x}{:08x}{}", kPrefix, system_number(), source(), kSuffix);
}

bool is_same_entry(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

enum class Claim { kMine, kTaken };

// Locks an entry that was just made. Taken: another run came first, for which the entry was litter. File systems
// without locks say so to all alike, and nothing is litter there.
Claim claim(const FileDescriptor& descriptor, const fs::path& path) {
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return Claim::kTaken;
  struct stat opened {
  }, named{};
  const bool is_there = ::fstat(descriptor.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0;
  return is_there && is_same_entry(opened, named) ? Claim::kMine : Claim::kTaken;
}

// True where nobody alive holds the entry; then `lock` keeps it from everybody else.
bool is_litter(const fs::path& path, std::string_view name, FileDescriptor& lock) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return false;
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return false;
  const std::string here = fmt::format("{:08x}", system_number());
  if (name.substr(kPrefix.size(), kSystemDigits) != here && std::time(nullptr) - status.st_mtime < kDay) return false;
  lock = lock_entry(path);
  struct stat locked {};
  return lock.is_open() && ::fstat(lock.get(), &locked) == 0 && is_same_entry(status, locked);
}

}  // namespace

FileDescriptor lock_entry(const fs::path& path) {
  FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!descriptor.is_open() || ::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return descriptor;
}

TemporaryEntry make_temporary_file(const fs::path& directory) {
  for (;;) {
    const fs::path path = random_name(directory);
    FileDescriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!descriptor.is_open() && errno == EEXIST) continue;
    if (!descriptor.is_open()) return {path, {}, errno};
    if (claim(descriptor, path) == Claim::kMine) return {path, std::move(descriptor), 0};
  }
}

TemporaryEntry make_temporary_directory(const fs::path& directory) {
  for (;;) {
    const fs::path path = random_name(directory);
    if (::mkdir(path.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;
      return {path, {}, errno};
    }
    FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.is_open()) {
      if (errno == ENOENT) continue;  // another run took it for litter
      const int error = errno;
      ::rmdir(path.c_str());
      return {path, {}, error};
    }
    if (claim(descriptor, path) == Claim::kMine) return {path, std::move(descriptor), 0};
  }
}

bool is_temporary_name(std::string_view name) {
  return name.size() == kPrefix.size() + kDigits + kSuffix.size() && name.starts_with(kPrefix) &&
         name.ends_with(kSuffix) &&
         name.substr(kPrefix.size(), kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void remove_litter(const fs::path& directory) noexcept {
  try {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      FileDescriptor lock;
      if (!is_temporary_name(name) || !is_litter(entry->path(), name, lock)) continue;
      std::error_code ignored;
      fs::remove_all(entry->path(), ignored);
    }
  } catch (const std::exception&) {
    // Memory is short, and litter is not worth a failure.
  }
}

fs::path temporary_directory() {
  std::error_code error;
  const fs::path path = fs::temp_directory_path(error);
  if (error) throw DataError(fmt::format("no temporary folder: {}; set TMPDIR to one", error.message()));
  remove_litter(path);
  return path;
}

void remove_temporary_litter() noexcept {
  std::error_code error;
  const fs::path path = fs::temp_directory_path(error);
  if (!error) remove_litter(path);
}

}  // namespace unfold
