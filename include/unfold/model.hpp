// A trained model in host memory, and the directory that holds it. docs/formats.md describes the files.
//
//   model.json           what it is, how it was made, its metrics, and the list of the other files
//   tensors.safetensors  its parameters by name: user.embedding item.embedding user.bias item.bias global.bias
//   user_ids.txt item_ids.txt   external ids, one a line, in row order
//   seen.safetensors     the items that each user has in training, validation and test: what evaluation and lists leave
//                        out, and what the popularity baseline counts
//   history.jsonl        a line an evaluation
//   config.toml          the resolved options; unfold train --config takes it back
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unfold/id_map.hpp"
#include "unfold/seen_items.hpp"
#include "unfold/tensors.hpp"

namespace unfold {

struct Model {
  std::string kind = "mf";  // the family
  TensorSet tensors;
  // What makes the same scorer from the tensors: an object, whose keys are the family's, but for those below.
  nlohmann::ordered_json architecture = nlohmann::ordered_json::object();
  IdMap user_ids;
  IdMap item_ids;
  SeenItems seen;
  nlohmann::ordered_json training;  // how: options, data set, split, version, backend
  nlohmann::ordered_json metrics;   // what came out: "scores" of model.json
  std::vector<nlohmann::ordered_json> history;
  std::string config;  // config.toml
  // Files that the family adds, by path in the directory, with "/": "vocab/genre.txt".
  std::map<std::string, std::string> files;
};

// What `architecture` says that any family may. load_model has checked the types.
// Whether scores are ratings, else they only put items in order: "predicts_ratings", false where it is absent.
bool predicts_ratings(const Model& model);
// Where ratings end, if they do: "rating_range", [low, high] or null. A rating is low + (high - low) * sigmoid(score).
struct RatingRange {
  float low = 0, high = 0;
};
std::optional<RatingRange> rating_range(const Model& model);
void set_rating_range(Model& model, const std::optional<RatingRange>& range);

// What `training` says of a model that unfold train or load_model made; without it, the first of each.
// The model was trained on ratings, not on bare pairs.
bool has_ratings(const Model& model);
// The least rating of a positive, where lower ones were none.
std::optional<float> positive_from(const Model& model);
// Something was held out for validation or test.
bool held_something_out(const Model& model);

// A model that was written. Its metrics may follow: what training made is on the disk before it is evaluated.
class SavedModel {
 public:
  struct State;
  explicit SavedModel(std::shared_ptr<State> state) : state_(std::move(state)) {}
  // Writes model.json anew with these metrics, in the folder that save_model wrote, wherever it has been moved since,
  // and in no other. Throws DataError, where another model has replaced it too; then the model is as it was.
  void set_metrics(const nlohmann::ordered_json& metrics);
  // Whether another model has taken its place.
  bool is_replaced() const;

 private:
  std::shared_ptr<State> state_;
};

// Writes `directory` aside, syncs, renames. Throws UsageError where it exists and overwrite is false (checked
// again at the rename, so nothing is ever lost to a race), DataError for a failed write; then the old model is
// untouched and nothing is left behind. Only a directory that is a model is ever replaced.
SavedModel save_model(const Model& model, const std::filesystem::path& directory, bool overwrite);

// A model of any kind and shape: whether this program can score with it, open_model says (model_scorer.hpp). Throws
// DataError: missing, truncated or changed file, list of files that cannot be, unknown format version. All files are of
// one model, also where another takes its place meanwhile.
Model load_model(const std::filesystem::path& directory);

// Throws UsageError where save_model would, before any work is done.
void check_model_target(const std::filesystem::path& directory, bool overwrite);

}  // namespace unfold
