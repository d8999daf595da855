// What the JSON that describes a folder says of the folder's files: "file_bytes" and "file_xxh3_128", an object each,
// by file name: a path from the folder, with "/". A folder that was written before there were checksums has the first
// alone, or neither.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/folder.hpp"

namespace unfold {

// Whether a name is a path to a place in the folder: not empty, not absolute, without "." and "..", UTF-8.
bool is_inner_path(std::string_view name);

// Sets both keys. The files are in `directory`. Throws DataError.
void add_checksums(nlohmann::ordered_json& json, const std::filesystem::path& directory,
                   std::span<const std::string> files);

// The folder's list of files, where both keys name the same ones. Throws DataError, with `where` in front: a key is
// absent or of another type, a name is no is_inner_path, a file is in one of them only.
std::vector<std::string> listed_files(const nlohmann::ordered_json& json, const std::filesystem::path& where);

// Files that have a checksum; nothing where the folder was written without.
std::optional<std::uint64_t> n_checksums(const nlohmann::ordered_json& json);

// Throws DataError for a file that is missing or of another length than was written; `remedy` ends the message. Files
// that the JSON does not name are not looked at.
void check_sizes(const nlohmann::ordered_json& json, const Folder& folder, std::string_view remedy);
// Reads the files and throws DataError for one whose bytes are not those that were written. Returns the bytes read; 0
// where there are no checksums.
std::uint64_t check_contents(const nlohmann::ordered_json& json, const Folder& folder, std::string_view remedy);
// The same of one file's bytes, where the JSON has their checksum.
void check_content(const nlohmann::ordered_json& json, std::string_view file, const MappedFile& bytes,
                   std::string_view remedy);

}  // namespace unfold
