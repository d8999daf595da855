#include "host/store/model_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <system_error>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/json.hpp"
#include "host/io/temporary.hpp"
#include "host/store/product_tensors.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "unfold-model";
constexpr std::uint64_t kFormatVersion = 2;
// All of version 1 beside model.json.
constexpr const char* kVersion1Files[] = {kTensorsFile, kUserIdsFile, kItemIdsFile,
                                          kSeenFile,    kHistoryFile, kConfigFile};
constexpr const char* kObligatoryFiles[] = {kTensorsFile, kUserIdsFile, kItemIdsFile, kSeenFile};

template <typename T>
T field(const Json& json, const char* name, const fs::path& file) {
  try {
    return json.at(name).get<T>();
  } catch (const Json::exception&) {
    throw DataError(fmt::format("{}: \"{}\" is missing or of another type", file.string(), name));
  }
}

// A number of rows or columns.
std::uint32_t count_field(const Json& json, const char* name, std::uint64_t least, std::uint64_t most,
                          const fs::path& file) {
  const auto found = json.find(name);
  const bool is_count = found != json.end() && found->is_number_unsigned();
  if (!is_count || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most) {
    throw DataError(fmt::format("{}: \"{}\" is missing or no number from {} to {}", file.string(), name, least, most));
  }
  return found->get<std::uint32_t>();
}

void require(bool is_right, const Json& json, const char* name, const char* right, const fs::path& file) {
  if (is_right) return;
  throw DataError(fmt::format("{}: \"{}\" is {}; {} is right", file.string(), name, model_json_text(json, -1), right));
}

// `training`, and what of it is read again (model_training.cpp), are of the types that were written.
void check_training(const Json& training, const fs::path& file) {
  require(training.is_object() || training.is_null(), training, "training", "an object", file);
  const auto part = [&](const char* name) {
    Json json = training.is_object() ? training.value(name, Json::object()) : Json::object();
    require(json.is_object(), json, name, "an object", file);
    return json;
  };
  const auto has_ratings = part("data").value("has_ratings", Json(true));
  require(has_ratings.is_boolean(), has_ratings, "has_ratings", "true or false", file);
  if (training.is_object() && training.contains("positive_from")) {
    const Json& least = training["positive_from"];
    require(least.is_null() || least.is_number(), least, "positive_from", "a number or null", file);
  } else {
    const auto least = part("options").value("positive-from", Json(""));
    require(least.is_string(), least, "positive-from", "a text", file);
  }
  for (const char* name : {"n_validation", "n_test"}) {
    const auto size = part("parts").value(name, Json(std::uint64_t{0}));
    require(size.is_number_unsigned(), size, name, "a whole number from 0", file);
  }
}

void check_rating_range(const Json& range, const fs::path& file) {
  if (range.is_null()) return;
  const bool is_pair = range.is_array() && range.size() == 2 && range[0].is_number() && range[1].is_number();
  require(is_pair && range[0].get<double>() < range[1].get<double>(), range, "rating_range", "[low, high] or null",
          file);
  for (const Json& bound : range) {
    if (std::isfinite(static_cast<float>(bound.get<double>()))) continue;
    throw DataError(
        fmt::format("{}: \"rating_range\" {} is beyond float32", file.string(), model_json_text(range, -1)));
  }
}

// What of it is read for any kind (model_architecture.cpp) is of the types that were written.
void check_architecture(const Json& architecture, const fs::path& file) {
  require(architecture.is_object(), architecture, "architecture", "an object", file);
  const Json predicts = architecture.value("predicts_ratings", Json(false));
  require(predicts.is_boolean(), predicts, "predicts_ratings", "true or false", file);
  check_rating_range(architecture.value("rating_range", Json()), file);
}

// In version 1 the kind, of which there were two, says what scores are.
Json version_1_architecture(const Json& json, const std::string& kind, const fs::path& file) {
  const Json range = field<Json>(json, "rating_range", file);
  Json architecture = {{"predicts_ratings", kind == "mf"}};
  if (kind == "mf" || !range.is_null()) architecture["rating_range"] = range;
  return architecture;
}

std::vector<std::string> model_files(const Json& json, std::uint64_t version, const fs::path& file) {
  if (version == 1) {
    field<Json>(json, "file_bytes", file);
    return {std::begin(kVersion1Files), std::end(kVersion1Files)};
  }
  std::vector<std::string> files = listed_files(json, file);
  for (const char* name : kObligatoryFiles) {
    if (std::ranges::find(files, name) != files.end()) continue;
    throw DataError(
        fmt::format("{}: its list of files lacks \"{}\", which every model has{}", file.string(), name, kModelRemedy));
  }
  if (std::ranges::find(files, kDescriptionFile) != files.end()) {
    throw DataError(fmt::format("{}: its list of files names \"{}\", which is the list itself{}", file.string(),
                                kDescriptionFile, kModelRemedy));
  }
  return files;
}

bool is_model(const Json& json) { return json.is_object() && json.contains("format") && json["format"] == kFormat; }

// An entry of the folder that is none of its files, nor a folder of them; empty where there is none.
std::string foreign_entry(const fs::path& folder, const std::vector<std::string>& files, std::error_code& error) {
  const auto is_listed = [&](const std::string& name) {
    return name == kDescriptionFile || std::ranges::find(files, name) != files.end();
  };
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(folder).generic_string();
    std::error_code ignored;
    const bool is_folder = fs::is_directory(entry->symlink_status(ignored));
    if (entry.depth() == 0 && is_temporary_name(name)) {
      // A run that was killed while it wrote scores may have left one there.
      if (is_folder) entry.disable_recursion_pending();
      continue;
    }
    const auto is_inside = [&](const std::string& file) { return file.starts_with(name + "/"); };
    if (is_folder ? std::ranges::none_of(files, is_inside) : !is_listed(name)) return name;
  }
  return {};
}

}  // namespace

std::string model_json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json describe_model(const Model& model, const fs::path& directory, std::span<const std::string> files) {
  Json json;
  json["format"] = kFormat;
  json["format_version"] = kFormatVersion;
  json["kind"] = model.kind;
  json["n_users"] = model.user_ids.size();
  json["n_items"] = model.item_ids.size();
  json["architecture"] = model.architecture;
  json["training"] = model.training;
  json["scores"] = model.metrics;
  add_checksums(json, directory, files);
  return json;
}

bool ModelDescription::has(std::string_view file) const { return std::ranges::find(files, file) != files.end(); }

ModelDescription read_description(const Folder& folder) {
  const fs::path file = folder.path() / kDescriptionFile;
  ModelDescription read;
  read.json = parse_json(folder.map(kDescriptionFile).text(), file.string());
  const Json& json = read.json;
  if (!json.is_object() || field<std::string>(json, "format", file) != kFormat) {
    throw DataError(fmt::format("{}: is not the description of a model", file.string()));
  }
  const Json version = field<Json>(json, "format_version", file);
  require(version.is_number_unsigned(), version, "format_version", "a whole number from 1", file);
  read.version = version.get<std::uint64_t>();
  if (read.version < 1 || read.version > kFormatVersion) {
    throw DataError(fmt::format("{}: has format version {}; this program reads 1 to {}; use the one that wrote it",
                                file.string(), read.version, kFormatVersion));
  }
  read.files = model_files(json, read.version, file);
  check_sizes(json, folder, kModelRemedy);
  read.n_users = count_field(json, "n_users", read.version == 1 ? 1 : 0, kNoRow, file);
  read.n_items = count_field(json, "n_items", 1, kNoRow, file);
  if (read.version == 1) read.dim = count_field(json, "dim", 1, kMostColumns, file);
  return read;
}

void apply_description(const ModelDescription& description, const fs::path& file, Model& model) {
  const Json& json = description.json;
  model.kind = field<std::string>(json, "kind", file);
  model.architecture = description.version == 1 ? version_1_architecture(json, model.kind, file)
                                                : field<Json>(json, "architecture", file);
  check_architecture(model.architecture, file);
  model.training = field<Json>(json, "training", file);
  check_training(model.training, file);
  model.metrics = field<Json>(json, "scores", file);
}

std::string why_no_model(const fs::path& existing) {
  std::error_code error;
  if (!fs::is_directory(existing, error)) return "it is not a folder";
  if (!fs::is_regular_file(existing / kDescriptionFile, error)) return "it holds no model.json";
  std::vector<std::string> files;
  try {
    const Json json = parse_json(read_whole_file(existing / kDescriptionFile), kDescriptionFile);
    if (!is_model(json)) return "its model.json is not of a model";
    files = model_files(json, field<std::uint64_t>(json, "format_version", kDescriptionFile), kDescriptionFile);
  } catch (const DataError& damage) {
    return fmt::format("its model.json is not of a model ({})", damage.what());
  }
  const std::string foreign = foreign_entry(existing, files, error);
  if (error) return error.message();
  return foreign.empty() ? "" : fmt::format("it holds \"{}\"", foreign);
}

}  // namespace unfold
