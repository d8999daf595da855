#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "host/io/json.hpp"
#include "host/io/safetensors.hpp"
#include "host/io/staged.hpp"
#include "host/store/model_json.hpp"
#include "host/store/model_tensors.hpp"
#include "host/store/seen_items_file.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What is written and read here; any other file is a family's, and goes as it came.
constexpr const char* kOwnFiles[] = {kDescriptionFile, kTensorsFile, kUserIdsFile, kItemIdsFile,
                                     kSeenFile,        kHistoryFile, kConfigFile};

bool is_own(const std::string& name) { return std::ranges::find(kOwnFiles, name) != std::end(kOwnFiles); }

// --- writing ----------------------------------------------------------------------------------------------------

// Throws std::logic_error: a family names its files wrongly.
void check_files(const Model& model) {
  for (const auto& [name, bytes] : model.files) {
    if (is_own(name) || !is_inner_path(name)) {
      throw std::logic_error(fmt::format("model: a file cannot be named \"{}\"", name));
    }
  }
}

// Returns the content of model.json.
Json write_files(const Model& model, const fs::path& directory) {
  std::vector<std::string> files;
  const auto place = [&](const std::string& name) {
    files.push_back(name);
    return directory / name;
  };
  write_safetensors(place(kTensorsFile), model_tensors(model));
  model.user_ids.write(place(kUserIdsFile));
  model.item_ids.write(place(kItemIdsFile));
  write_seen_items(model.seen, place(kSeenFile));
  std::string history;
  for (const Json& line : model.history) history += model_json_text(line, -1) + '\n';
  if (!history.empty()) write_whole_file(place(kHistoryFile), history);
  if (!model.config.empty()) write_whole_file(place(kConfigFile), model.config);
  for (const auto& [name, bytes] : model.files) {
    const fs::path file = place(name);
    std::error_code error;
    if (fs::create_directories(file.parent_path(), error); error) {
      throw DataError(fmt::format("{}: cannot be made: {}", file.parent_path().string(), error.message()));
    }
    write_whole_file(file, bytes);
  }
  Json json = describe_model(model, directory, files);
  write_whole_file(directory / kDescriptionFile, model_json_text(json, 2) + '\n');
  return json;
}

// `given` is the target's name, `existing` where what it names is at the moment.
void require_model(const fs::path& given, const fs::path& existing) {
  const std::string reason = why_no_model(existing);
  if (reason.empty()) return;
  throw UsageError(
      fmt::format("{}: is not a model and is not replaced, as {}; choose another name, or move away what is there",
                  given.string(), reason));
}

// --- reading ----------------------------------------------------------------------------------------------------

IdMap read_ids(const MappedFile& file, std::uint32_t expected) {
  IdMap ids = IdMap::parse(file.text(), file.name());
  if (ids.size() == expected) return ids;
  throw DataError(
      fmt::format("{}: holds {} ids, but the model has {} rows", file.name().string(), ids.size(), expected));
}

std::vector<Json> read_history(const MappedFile& file) {
  const std::string_view text = file.text();
  std::vector<Json> history;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string where = fmt::format("{}:{}", file.name().string(), history.size() + 1);
    history.push_back(parse_json(text.substr(begin, end - begin), where));
    begin = end + 1;
  }
  return history;
}

Model read_model(const Folder& folder) {
  const ModelDescription description = read_description(folder);
  Model model;
  apply_description(description, folder.path() / kDescriptionFile, model);
  const auto checked = [&](const std::string& name) {
    MappedFile file = folder.map(name);
    check_content(description.json, name, file, kModelRemedy);
    return file;
  };
  const SafetensorsFile tensors = SafetensorsFile::parse(checked(kTensorsFile));
  model.tensors = description.version == 1
                      ? read_version_1_tensors(tensors, description.n_users, description.n_items, description.dim)
                      : read_tensors(tensors);
  const std::string not_finite = tensor_not_finite(model);
  if (!not_finite.empty()) fail_not_finite(folder.path() / kTensorsFile, not_finite);
  model.user_ids = read_ids(checked(kUserIdsFile), description.n_users);
  model.item_ids = read_ids(checked(kItemIdsFile), description.n_items);
  model.seen = read_seen_items(checked(kSeenFile), folder.path() / kSeenFile, description.n_users, description.n_items);
  if (description.has(kHistoryFile)) model.history = read_history(checked(kHistoryFile));
  if (description.has(kConfigFile)) model.config = checked(kConfigFile).text();
  for (const std::string& name : description.files) {
    if (!is_own(name)) model.files[name] = checked(name).text();
  }
  return model;
}

}  // namespace

struct SavedModel::State {
  Folder folder;
  Json description;
};

void SavedModel::set_metrics(const Json& metrics) {
  const Folder& folder = state_->folder;
  state_->description["scores"] = metrics;
  std::exception_ptr trouble;
  try {
    folder.replace(kDescriptionFile, model_json_text(state_->description, 2) + '\n');
  } catch (const DataError&) {
    trouble = std::current_exception();
  }
  // Also where the metrics went into a folder that is about to be removed.
  if (folder.is_replaced()) {
    throw DataError(fmt::format("{}: another run has replaced this model meanwhile; its scores are not written",
                                folder.path().string()));
  }
  if (trouble) std::rethrow_exception(trouble);
}

bool SavedModel::is_replaced() const { return state_->folder.is_replaced(); }

SavedModel save_model(const Model& model, const fs::path& directory, bool overwrite) {
  check_shapes(model);
  check_files(model);
  check_model_target(directory, overwrite);
  StagedDirectory staged(directory);
  Json written = write_files(model, staged.path());
  const auto state = std::make_shared<SavedModel::State>(
      SavedModel::State{Folder::open(staged.path(), directory), std::move(written)});
  if (overwrite) {
    staged.commit_replacing([&](const fs::path& existing) { require_model(directory, existing); });
  } else {
    staged.commit();
  }
  return SavedModel(state);
}

Model load_model(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error) || !fs::exists(directory / kDescriptionFile, error)) {
    throw DataError(fmt::format("{}: is not a model: {}; give the folder that training wrote", directory.string(),
                                fs::exists(directory, error) ? "it holds no model.json" : "it does not exist"));
  }
  return read_folder(directory, read_model);
}

void check_model_target(const fs::path& directory, bool overwrite) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(directory, error))) {
    check_output(directory, {}, overwrite ? Existing::kReplace : Existing::kRefuse);
    require_model(directory, directory);
  }
  const StagedDirectory can_be_written(directory);
}

}  // namespace unfold
