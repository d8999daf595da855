// A folder that is opened once. Its files are found through it and not by its name, so that they belong to each other
// even where another folder takes its place meanwhile.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "host/io/file.hpp"
#include "unfold/error.hpp"

namespace unfold {

class Folder {
 public:
  // Throws DataError.
  static Folder open(const std::filesystem::path& path) { return open(path, path); }
  // `name` stands for the folder in messages, and is where is_current() looks.
  static Folder open(const std::filesystem::path& path, const std::filesystem::path& name);

  // Throw DataError, which names the folder as it was given and the file.
  MappedFile map(std::string_view file) const;
  std::string read(std::string_view file) const { return std::string(map(file).text()); }
  // Whether there is a regular file of this name.
  bool has(std::string_view file) const;
  // Puts the bytes in place of a file, or makes it: a reader sees all of the old ones or all of the new.
  void replace(std::string_view file, std::string_view bytes) const;
  // Whether the folder's name still means this folder.
  bool is_current() const;
  // Whether another folder has taken its name, and this one is removed or about to be.
  bool is_replaced() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  FileDescriptor descriptor_;
  std::filesystem::path path_;
};

// Returns read(folder). Where that throws a DataError and another folder has taken the name of this one meanwhile, it
// is the new one's turn: a writer that replaces a folder removes the old one under its readers.
template <typename Read>
auto read_folder(const std::filesystem::path& path, Read&& read) {
  constexpr int kMostTries = 100;
  for (int n_tries = 1;; ++n_tries) {
    const Folder folder = Folder::open(path);
    try {
      return read(folder);
    } catch (const DataError&) {
      if (n_tries == kMostTries || folder.is_current()) throw;
    }
  }
}

}  // namespace unfold
