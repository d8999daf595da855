// Families of models: what the command line, the training loop and model files ask of one. A family is a folder of
// host/models and a line of host/models/families.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unfold/option.hpp"
#include "unfold/train_data.hpp"
#include "unfold/train_options.hpp"

namespace unfold {

class Arena;
class Backend;
class Scorer;
class TrainableModel;
struct Model;

// What a model is made from. What it refers to stays until the run ends.
struct ModelInput {
  const TrainData& data;
  RatingView positives;                    // what is trained on: data.train, or its ratings from positive_from on
  std::span<const float> weights;          // of `positives`; empty: all alike, or streamed with them
  std::optional<float> positive_from;      // the least rating of a positive, where lower ones were left out
  const SeenItems& seen;                   // of data.train; empty where neither needs_seen() nor a ranking asks for it
  std::vector<std::uint64_t> batch_sizes;  // that occur, the largest first; empty where nothing is streamed
  bool is_cut = false;                     // batches come in runs (RatingRuns)
};

class ModelFamily {
 public:
  virtual ~ModelFamily() = default;

  virtual const char* name() const = 0;  // "softmax"
  virtual const char* help() const = 0;  // a line: what it learns, and by which method
  // Whether a score is a rating; else scores put items in order, and a rating says how much a user liked an item.
  virtual bool predicts_ratings() const = 0;
  // The options of a run, in the order of the help page, bound to fields of this object, which stays where it is. Their
  // values are the family's defaults until they are set. To list them changes nothing.
  virtual std::vector<Option> options() = 0;
  // Whether its epochs go over batches that are streamed to the backend; else they reach for the data themselves.
  virtual bool streams() const { return true; }
  // Bytes of a row of its tables, with optimizer state, where on the host's cores its steps take batches that come in
  // runs (RatingRuns), and ratings in any order; else 0.
  virtual std::uint64_t cut_row_bytes(const Backend& /*backend*/) const { return 0; }
  // Whether its models look at the items that each user has, beside what a ranking leaves out.
  virtual bool needs_seen() const { return false; }
  // The validation part of a run that names none, as --validation takes it.
  virtual const char* default_validation() const { return "none"; }

  // The options that families share.
  TrainOptions& run() { return run_; }
  const TrainOptions& run() const { return run_; }
  // Sets an option by its name: set("dim", "64"). Throws UsageError for a name that the family does not have and for a
  // value that the option does not take.
  void set(std::string_view name, std::string_view value);
  // The option of this name, with its present value, where the family has it.
  std::optional<Option> option(std::string_view name) const;
  // Throws UsageError naming an option, its value and what is allowed.
  void validate() const;
  // {"model": name(), option: value, ...}: its own options and no others.
  nlohmann::ordered_json to_json() const;

  // The least rating of a positive; nothing where all ratings are. Throws DataError where `ratings` leave none.
  virtual std::optional<float> positive_from(const RatingView& /*ratings*/) const { return std::nullopt; }
  // What each positive counts, with a mean of 1; empty: all alike. Requires at least one.
  virtual std::vector<float> weights(const RatingView& /*positives*/) const { return {}; }
  // Ratings a step: as asked for, or as suits n_ratings of them.
  virtual std::uint64_t batch_size(std::uint64_t n_ratings) const;
  // What to change in a run that diverged: "lower --learning-rate (now 0.05)"; may be empty.
  virtual std::string against_divergence() const;
  // Takes its memory from the arena; of an arena that plans, a model without memory. Throws UsageError, DataError where
  // the options do not suit the data, and DeviceError.
  virtual std::unique_ptr<TrainableModel> make(const Arena& arena, const ModelInput& input) const = 0;

  // Of a model on disk. A family whose models are embeddings and biases needs neither.
  // Throws DataError where its tensors make no scorer: what is missing or does not fit.
  virtual void check_model(const Model& model) const;
  // Requires check_model. `model` outlives the scorer; this object need not.
  virtual std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model) const;

 protected:
  // What no bounds of a single option can say. Throws UsageError.
  virtual void check() const {}

  TrainOptions run_;
};

// The families at their defaults, the one of a run that names none first.
std::vector<std::unique_ptr<ModelFamily>> model_families();
std::vector<const char*> family_names();
// Throws UsageError naming the families.
std::unique_ptr<ModelFamily> make_family(std::string_view name);
// Names of the families that have this option.
std::vector<std::string> families_with(std::string_view option);
// Why an option is not a family's: "--negatives belongs to model softmax, and this run is of model mf"; empty where no
// family has it.
std::string foreign_option(std::string_view option, std::string_view family);

}  // namespace unfold
