// dataset.json: what an imported data set holds and where it came from. docs/formats.md describes its keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/io/folder.hpp"
#include "unfold/dataset.hpp"

namespace unfold {

inline constexpr const char* kDatasetFile = "dataset.json";
inline constexpr const char* kUserIdsFile = "user_ids.txt";
inline constexpr const char* kItemIdsFile = "item_ids.txt";

// Bumped when a data set of before cannot be read, or an import gives another result.
inline constexpr int kDatasetVersion = 1;

struct DatasetDescription {
  ImportReport report;
  std::string source_hash;           // ContentHash of the file; empty where there was none
  std::string rejected_hash;         // of the rejected lines, as they were written; empty where there were none
  std::uint64_t user_ids_bytes = 0;  // sizes of the files of ids
  std::uint64_t item_ids_bytes = 0;
  nlohmann::ordered_json json;  // all of it, with the files' checksums (host/io/checksums.hpp)
};

// The files that dataset.json describes.
std::vector<std::string> dataset_files(bool has_times);

// The options that decide what an import gives, in one fixed form.
std::string canonical_options(const ImportOptions& options);

// Writes dataset.json into `directory`, which holds the other files. Throws DataError.
void write_dataset_json(const std::filesystem::path& directory, const ImportReport& report,
                        const std::string& source_hash, const std::string& rejected_hash, const ImportOptions& options);
// Throws DataError where the file is missing, not JSON, of another version, or a key is missing or of another type.
DatasetDescription read_dataset_json(const Folder& folder);

}  // namespace unfold
