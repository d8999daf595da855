#include "host/io/checksums.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/io/content_hash.hpp"
#include "host/text/utf8.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kBytes = "file_bytes";
constexpr const char* kHashes = "file_xxh3_128";

// The object `key`, or null where there is none.
const Json* find_object(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || !found->is_object() ? nullptr : &*found;
}

[[noreturn]] void fail_list(const std::filesystem::path& where, const std::string& what) {
  throw DataError(
      fmt::format("{}: {}; the folder is damaged: make it again, or take it from a copy", where.string(), what));
}

void require_inner_path(const std::string& name, const std::filesystem::path& where) {
  if (is_inner_path(name)) return;
  fail_list(where, fmt::format("its list of files names \"{}\"; a name is a path inside the folder, without \".\" and "
                               "\"..\"",
                               name));
}

const Json& require_object(const Json& json, const char* key, const std::filesystem::path& where) {
  if (const Json* const found = find_object(json, key)) return *found;
  fail_list(where, fmt::format("\"{}\", which lists its files, is missing or no object", key));
}

// Every name in one list is in the other.
void require_same(const Json& names, const char* key, const Json& others, const char* other_key,
                  const std::filesystem::path& where) {
  for (const auto& [name, value] : names.items()) {
    if (others.contains(name)) continue;
    fail_list(where, fmt::format("\"{}\" lacks \"{}\", which \"{}\" has", other_key, name, key));
  }
}

}  // namespace

bool is_inner_path(std::string_view name) {
  if (name.find('\0') != std::string_view::npos || !is_utf8(name)) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

std::vector<std::string> listed_files(const Json& json, const std::filesystem::path& where) {
  const Json& sizes = require_object(json, kBytes, where);
  const Json& hashes = require_object(json, kHashes, where);
  require_same(sizes, kBytes, hashes, kHashes, where);
  require_same(hashes, kHashes, sizes, kBytes, where);
  std::vector<std::string> files;
  for (const auto& [name, size] : sizes.items()) {
    require_inner_path(name, where);
    files.push_back(name);
  }
  return files;
}

void add_checksums(Json& json, const std::filesystem::path& directory, std::span<const std::string> files) {
  for (const std::string& file : files) {
    const MappedFile mapped = MappedFile::open(directory / file);
    json[kBytes][file] = mapped.bytes().size();
    json[kHashes][file] = hash_bytes(mapped.bytes());
  }
}

std::optional<std::uint64_t> n_checksums(const Json& json) {
  const Json* hashes = find_object(json, kHashes);
  return hashes == nullptr ? std::nullopt : std::optional<std::uint64_t>(hashes->size());
}

void check_sizes(const Json& json, const Folder& folder, std::string_view remedy) {
  const Json* sizes = find_object(json, kBytes);
  if (sizes == nullptr) return;
  for (const auto& [name, expected] : sizes->items()) {
    require_inner_path(name, folder.path());
    const std::uint64_t found = folder.map(name).bytes().size();
    if (expected.is_number_unsigned() && expected.get<std::uint64_t>() == found) continue;
    const bool is_cut = expected.is_number_unsigned() && found < expected.get<std::uint64_t>();
    throw DataError(fmt::format("{}: has {} bytes, but {} were written; it is {}{}", (folder.path() / name).string(),
                                found, expected.dump(), is_cut ? "truncated" : "not the file that was written",
                                remedy));
  }
}

void check_content(const Json& json, std::string_view file, const MappedFile& bytes, std::string_view remedy) {
  const Json* hashes = find_object(json, kHashes);
  if (hashes == nullptr || !hashes->contains(file)) return;
  if ((*hashes)[std::string(file)] == hash_bytes(bytes.bytes())) return;
  throw DataError(
      fmt::format("{}: is not as it was written: its checksum differs; the file is damaged or was "
                  "changed{}",
                  bytes.name().string(), remedy));
}

std::uint64_t check_contents(const Json& json, const Folder& folder, std::string_view remedy) {
  check_sizes(json, folder, remedy);
  const Json* hashes = find_object(json, kHashes);
  if (hashes == nullptr) return 0;
  std::uint64_t bytes = 0;
  for (const auto& [name, hash] : hashes->items()) {
    require_inner_path(name, folder.path());
    const MappedFile file = folder.map(name);
    check_content(json, name, file, remedy);
    bytes += file.bytes().size();
  }
  return bytes;
}

}  // namespace unfold
