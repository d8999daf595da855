#include "host/io/checksums.hpp"

#include <fmt/format.h>

#include "host/io/content_hash.hpp"
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

// Names are of the folder's own files: a path would lead out of it.
void require_name(const std::string& name, const Folder& folder) {
  if (!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos) return;
  throw DataError(fmt::format("{}: its description names a file \"{}\"", folder.path().string(), name));
}

}  // namespace

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
    require_name(name, folder);
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
    require_name(name, folder);
    const MappedFile file = folder.map(name);
    check_content(json, name, file, remedy);
    bytes += file.bytes().size();
  }
  return bytes;
}

}  // namespace unfold
