#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <string_view>
#include <system_error>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "host/io/json.hpp"
#include "host/io/safetensors.hpp"
#include "host/io/staged.hpp"
#include "host/store/model_tensors.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "unfold-model";
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::array<std::string_view, 2> kKinds = {"mf", "softmax"};
constexpr std::array<std::string_view, 7> kFiles = {"model.json",   "tensors.safetensors", "user_ids.txt",
                                                    "item_ids.txt", "seen.safetensors",    "history.jsonl",
                                                    "config.toml"};

constexpr std::uint32_t kMostColumns = 1024;  // that any op takes
constexpr std::string_view kRemedy = "; train again, or take it from a copy";

// Ids and paths may hold any bytes; JSON is UTF-8, so others are written as U+FFFD.
std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// The double that prints as the float does.
double printed(float value) { return std::isfinite(value) ? std::stod(fmt::format("{}", value)) : 0.0; }

// --- writing ----------------------------------------------------------------------------------------------------

// The content of model.json. The other files are in `directory` already.
Json description(const Model& model, const fs::path& directory) {
  Json json;
  json["format"] = kFormat;
  json["format_version"] = kFormatVersion;
  json["kind"] = model.kind;
  json["n_users"] = model.user_embedding.rows;
  json["n_items"] = model.item_embedding.rows;
  json["dim"] = model.user_embedding.cols;
  json["rating_range"] = nullptr;
  if (model.has_range) json["rating_range"] = {printed(model.range_low), printed(model.range_high)};
  json["training"] = model.training;
  json["scores"] = model.scores;
  std::vector<std::string> others(kFiles.begin() + 1, kFiles.end());
  add_checksums(json, directory, others);
  return json;
}

void write_seen(const SeenItems& seen, const fs::path& file) {
  std::vector<TensorView> tensors;
  const auto add_lists = [&](const char* offsets, const char* items, const ItemLists& lists) {
    tensors.push_back(tensor_view<std::uint64_t>(offsets, lists.offsets, {lists.offsets.size()}));
    tensors.push_back(tensor_view<Row>(items, lists.items, {lists.items.size()}));
  };
  add_lists("offsets", "items", seen);
  if (seen.knows_held_out()) {
    add_lists("validation.offsets", "validation.items", seen.validation);
    add_lists("test.offsets", "test.items", seen.test);
  }
  tensors.push_back(tensor_view<float>("item_mean_rating", seen.item_mean_rating, {seen.item_mean_rating.size()}));
  tensors.push_back(tensor_view<float>("mean_rating", {&seen.mean_rating, 1}, {1}));
  write_safetensors(file, tensors);
}

// Returns the content of model.json.
Json write_files(const Model& model, const fs::path& directory) {
  write_safetensors(directory / "tensors.safetensors", model_tensors(model));
  model.user_ids.write(directory / "user_ids.txt");
  model.item_ids.write(directory / "item_ids.txt");
  write_seen(model.seen, directory / "seen.safetensors");
  std::string history;
  for (const Json& line : model.history) history += to_text(line, -1) + '\n';
  write_whole_file(directory / "history.jsonl", history);
  write_whole_file(directory / "config.toml", model.config);
  Json json = description(model, directory);
  write_whole_file(directory / "model.json", to_text(json, 2) + '\n');
  return json;
}

// Says why `existing` is no model, or nothing. Files that are no model's own count too: they would be lost.
std::string why_no_model(const fs::path& existing) {
  std::error_code error;
  if (!fs::is_directory(existing, error)) return "it is not a folder";
  for (fs::directory_iterator entry(existing, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    // A run that was killed while it wrote scores may have left a temporary file there.
    if (std::ranges::find(kFiles, name) == kFiles.end() && !is_temporary_name(name))
      return fmt::format("it holds \"{}\"", name);
  }
  if (error) return error.message();
  if (!fs::is_regular_file(existing / "model.json", error)) return "it holds no model.json";
  try {
    const Json json = parse_json(read_whole_file(existing / "model.json"), "model.json");
    if (json.is_object() && json.contains("format") && json["format"] == kFormat) return "";
  } catch (const DataError&) {
  }
  return "its model.json is not of a model";
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

template <typename T>
T field(const Json& json, const char* name, const fs::path& file) {
  try {
    return json.at(name).get<T>();
  } catch (const Json::exception&) {
    throw DataError(fmt::format("{}: \"{}\" is missing or of another type", file.string(), name));
  }
}

// The number of rows or columns of a table.
std::uint32_t count_field(const Json& json, const char* name, std::uint32_t most, const fs::path& file) {
  const auto found = json.find(name);
  const bool is_count = found != json.end() && found->is_number_unsigned();
  if (!is_count || found->get<std::uint64_t>() < 1 || found->get<std::uint64_t>() > most) {
    throw DataError(fmt::format("{}: \"{}\" is missing or no number from 1 to {}", file.string(), name, most));
  }
  return found->get<std::uint32_t>();
}

// `training`, and what of it is read again (Model::training), are of the types that were written.
void check_training(const Json& training, const fs::path& file) {
  const auto check = [&](const Json& json, const char* name, bool is_right, const char* type) {
    if (is_right) return;
    throw DataError(fmt::format("{}: \"{}\" is {}; {} is right", file.string(), name, to_text(json, -1), type));
  };
  check(training, "training", training.is_object() || training.is_null(), "an object");
  const auto part = [&](const char* name) {
    const Json json = training.is_object() ? training.value(name, Json::object()) : Json::object();
    check(json, name, json.is_object(), "an object");
    return json;
  };
  const auto has_ratings = part("data").value("has_ratings", Json(true));
  check(has_ratings, "has_ratings", has_ratings.is_boolean(), "true or false");
  const auto positive_from = part("options").value("positive-from", Json(""));
  check(positive_from, "positive-from", positive_from.is_string(), "a text");
  for (const char* name : {"n_validation", "n_test"}) {
    const auto size = part("parts").value(name, Json(std::uint64_t{0}));
    check(size, name, size.is_number_unsigned(), "a whole number from 0");
  }
}

struct Shape {
  std::uint32_t n_users, n_items, dim;
};

Json read_description(const Folder& folder) {
  const fs::path file = folder.path() / "model.json";
  Json json = parse_json(folder.map("model.json").text(), file.string());
  if (!json.is_object() || field<std::string>(json, "format", file) != kFormat) {
    throw DataError(fmt::format("{}: is not the description of a model", file.string()));
  }
  const auto version = field<std::uint64_t>(json, "format_version", file);
  if (version != kFormatVersion) {
    throw DataError(fmt::format("{}: has format version {}; this program reads {}; use the one that wrote it",
                                file.string(), version, kFormatVersion));
  }
  field<Json>(json, "file_bytes", file);
  check_sizes(json, folder, kRemedy);
  return json;
}

Shape apply_description(const Json& json, const fs::path& file, Model& model) {
  model.kind = field<std::string>(json, "kind", file);
  if (std::ranges::find(kKinds, model.kind) == kKinds.end()) {
    throw DataError(fmt::format("{}: the model's kind is \"{}\"; this program knows {}; use the one that wrote it",
                                file.string(), model.kind, fmt::join(kKinds, " and ")));
  }
  model.training = field<Json>(json, "training", file);
  check_training(model.training, file);
  model.scores = field<Json>(json, "scores", file);
  const auto range = field<Json>(json, "rating_range", file);
  model.has_range = !range.is_null();
  if (model.has_range) {
    const auto bounds = field<std::vector<double>>(json, "rating_range", file);
    if (bounds.size() != 2 || !(bounds[0] < bounds[1])) {
      throw DataError(
          fmt::format("{}: \"rating_range\" is {}; [low, high] or null are right", file.string(), to_text(range, -1)));
    }
    model.range_low = static_cast<float>(bounds[0]);
    model.range_high = static_cast<float>(bounds[1]);
    if (!std::isfinite(model.range_low) || !std::isfinite(model.range_high)) {
      throw DataError(fmt::format("{}: \"rating_range\" {} is beyond float32", file.string(), to_text(range, -1)));
    }
  }
  return {count_field(json, "n_users", kUnknownRow, file), count_field(json, "n_items", kUnknownRow, file),
          count_field(json, "dim", kMostColumns, file)};
}

[[noreturn]] void fail_not_finite(const fs::path& path, const std::string& what) {
  throw DataError(
      fmt::format("{}: {}, and a model's numbers are finite; it is damaged, or its training went wrong; train again",
                  path.string(), what));
}

std::vector<float> read_tensor(const SafetensorsFile& file, const char* name, std::vector<std::uint64_t> shape) {
  const std::span<const float> values = file.tensor<float>(name, shape);
  return {values.begin(), values.end()};
}

void read_tensors(const SafetensorsFile& file, const fs::path& path, const Shape& shape, Model& model) {
  model.user_embedding = {shape.n_users, shape.dim, read_tensor(file, "user.embedding", {shape.n_users, shape.dim})};
  model.item_embedding = {shape.n_items, shape.dim, read_tensor(file, "item.embedding", {shape.n_items, shape.dim})};
  model.user_bias = read_tensor(file, "user.bias", {shape.n_users});
  model.item_bias = read_tensor(file, "item.bias", {shape.n_items});
  model.global_bias = read_tensor(file, "global.bias", {1})[0];
  const std::string tensor = tensor_not_finite(model);
  if (!tensor.empty()) fail_not_finite(path, tensor);
}

IdMap read_ids(const MappedFile& file, std::uint32_t expected) {
  IdMap ids = IdMap::parse(file.text(), file.name());
  if (ids.size() == expected) return ids;
  throw DataError(
      fmt::format("{}: holds {} ids, but the model has {} rows", file.name().string(), ids.size(), expected));
}

[[noreturn]] void fail_lists(const fs::path& path) {
  throw DataError(fmt::format("{}: its lists of items are damaged; train again", path.string()));
}

void read_lists(const SafetensorsFile& file, const char* offsets_name, const char* items_name, const fs::path& path,
                const Shape& shape, ItemLists& lists) {
  const std::uint64_t n_offsets[] = {std::uint64_t{shape.n_users} + 1};
  const std::span<const std::uint64_t> offsets = file.tensor<std::uint64_t>(offsets_name, n_offsets);
  const std::span<const Row> items = file.column<Row>(items_name);
  bool is_valid = offsets.front() == 0 && offsets.back() == items.size() && std::ranges::is_sorted(offsets);
  // What reads the lists relies on rows in range, ascending and distinct.
  for (std::uint64_t user = 0; is_valid && user < shape.n_users; ++user) {
    for (std::uint64_t n = offsets[user]; n < offsets[user + 1]; ++n) {
      if (items[n] >= shape.n_items || (n > offsets[user] && items[n] <= items[n - 1])) is_valid = false;
    }
  }
  if (!is_valid) fail_lists(path);
  lists.offsets.assign(offsets.begin(), offsets.end());
  lists.items.assign(items.begin(), items.end());
}

SeenItems read_seen(const SafetensorsFile& file, const fs::path& path, const Shape& shape) {
  SeenItems seen;
  read_lists(file, "offsets", "items", path, shape, seen);
  seen.item_mean_rating = read_tensor(file, "item_mean_rating", {shape.n_items});
  seen.mean_rating = read_tensor(file, "mean_rating", {1})[0];
  if (!std::isfinite(seen.mean_rating) ||
      !std::ranges::all_of(seen.item_mean_rating, [](float x) { return std::isfinite(x); })) {
    fail_not_finite(path, "a mean rating");
  }
  if (!file.has_tensor("validation.offsets")) return seen;  // of a model that was saved without them
  read_lists(file, "validation.offsets", "validation.items", path, shape, seen.validation);
  read_lists(file, "test.offsets", "test.items", path, shape, seen.test);
  // What joins the lists relies on pairs that are in one of them only.
  for (Row user = 0; user < shape.n_users; ++user) {
    for (const Row item : seen.validation.of(user)) {
      if (seen.contains(user, item) || seen.test.contains(user, item)) fail_lists(path);
    }
    for (const Row item : seen.test.of(user)) {
      if (seen.contains(user, item)) fail_lists(path);
    }
  }
  return seen;
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
  constexpr const char *kTensors = "tensors.safetensors", *kSeen = "seen.safetensors";
  const Json json = read_description(folder);
  Model model;
  const Shape shape = apply_description(json, folder.path() / "model.json", model);
  const auto checked = [&](const char* name) {
    MappedFile file = folder.map(name);
    check_content(json, name, file, kRemedy);
    return file;
  };
  read_tensors(SafetensorsFile::parse(checked(kTensors)), folder.path() / kTensors, shape, model);
  model.user_ids = read_ids(checked("user_ids.txt"), shape.n_users);
  model.item_ids = read_ids(checked("item_ids.txt"), shape.n_items);
  model.seen = read_seen(SafetensorsFile::parse(checked(kSeen)), folder.path() / kSeen, shape);
  model.history = read_history(checked("history.jsonl"));
  model.config = checked("config.toml").text();
  return model;
}

}  // namespace

struct SavedModel::State {
  Folder folder;
  Json description;
};

void SavedModel::set_scores(const Json& scores) {
  const Folder& folder = state_->folder;
  state_->description["scores"] = scores;
  std::exception_ptr trouble;
  try {
    folder.replace("model.json", to_text(state_->description, 2) + '\n');
  } catch (const DataError&) {
    trouble = std::current_exception();
  }
  // Also where the scores went into a folder that is about to be removed.
  if (folder.is_replaced()) {
    throw DataError(fmt::format("{}: another run has replaced this model meanwhile; its scores are not written",
                                folder.path().string()));
  }
  if (trouble) std::rethrow_exception(trouble);
}

bool SavedModel::is_replaced() const { return state_->folder.is_replaced(); }

SavedModel save_model(const Model& model, const fs::path& directory, bool overwrite) {
  check_shapes(model);
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
  if (!fs::is_directory(directory, error) || !fs::exists(directory / "model.json", error)) {
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
