// model.json: what it says of a model, in both versions of the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/folder.hpp"
#include "unfold/model.hpp"

namespace unfold {

inline constexpr const char* kDescriptionFile = "model.json";
inline constexpr const char* kTensorsFile = "tensors.safetensors";
inline constexpr const char* kUserIdsFile = "user_ids.txt";
inline constexpr const char* kItemIdsFile = "item_ids.txt";
inline constexpr const char* kSeenFile = "seen.safetensors";
inline constexpr const char* kHistoryFile = "history.jsonl";
inline constexpr const char* kConfigFile = "config.toml";

inline constexpr std::string_view kModelRemedy = "; train again, or take it from a copy";  // of a damaged file

// Ids and paths may hold any bytes; JSON is UTF-8, so others are written as U+FFFD. indent -1: one line.
std::string model_json_text(const nlohmann::ordered_json& json, int indent);

// The content of model.json. The other files, which it lists, are in `directory` already.
nlohmann::ordered_json describe_model(const Model& model, const std::filesystem::path& directory,
                                      std::span<const std::string> files);

struct ModelDescription {
  nlohmann::ordered_json json;
  std::uint64_t version = 0;
  std::uint32_t n_users = 0, n_items = 0;
  std::uint32_t dim = 0;           // of version 1 alone
  std::vector<std::string> files;  // all of the folder's but model.json

  bool has(std::string_view file) const;
};

// Reads and checks model.json; every file that it lists is there, as long as it was. Throws DataError.
ModelDescription read_description(const Folder& folder);
// Takes over what it says: kind, architecture, training, scores. Throws DataError naming `file`.
void apply_description(const ModelDescription& description, const std::filesystem::path& file, Model& model);

// Whether the folder is a model and holds its files alone: why not, or nothing. Files of others count, as what replaces
// the model would lose them.
std::string why_no_model(const std::filesystem::path& existing);

}  // namespace unfold
