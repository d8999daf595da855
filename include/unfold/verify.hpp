// Whether what a command wrote is still as it was written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace unfold {

struct VerifyReport {
  std::string kind;           // "model", "data set" or "export"
  std::uint64_t n_files = 0;  // whose checksums were compared
  std::uint64_t n_bytes = 0;  // that these files have
  bool has_checksums = true;  // false for what was written before there were any: sizes and headers alone were checked
};

// Reads every file of a folder that training, an import or an export wrote, compares it with the checksum it was
// written with, and opens the folder as its users do. Throws DataError for one that is damaged, or is none of these.
VerifyReport verify_folder(const std::filesystem::path& folder);

}  // namespace unfold
