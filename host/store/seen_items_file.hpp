// seen.safetensors: the items that each user of a model has, as docs/formats.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "host/io/file.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

void write_seen_items(const SeenItems& seen, const std::filesystem::path& file);

// Throws DataError for lists that do not fit the model's users and items, or each other. `path` is the file's name in
// messages.
SeenItems read_seen_items(MappedFile file, const std::filesystem::path& path, std::uint32_t n_users,
                          std::uint32_t n_items);

}  // namespace unfold
