// One run of `unfold train`, from the data to the model on disk.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/cli/input_options.hpp"
#include "host/cli/json_log.hpp"
#include "host/cli/keep_model.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/scores.hpp"
#include "unfold/split.hpp"
#include "unfold/train.hpp"

namespace unfold::cli {

// What the command line asks for.
struct TrainRequest {
  std::string data;
  std::filesystem::path out;
  std::string test;                 // a file, or empty
  std::string split;                // a SplitSpec; empty: random:0.1 without --test, else none
  std::string validation = "none";  // a SplitSpec or a file
  std::shared_ptr<ModelFamily> family;
  InputOptions input;
  ScoreOptions score;
  std::string log_json;
  bool quiet = false;
  bool overwrite = false;
  bool json = false;
};

class TrainRun {
 public:
  // `config` is the resolved configuration, kept with the model.
  TrainRun(const TrainRequest& request, std::string config);
  // The exit code. Throws what the library throws.
  int run();

 private:
  // Views of the three parts and, where they are not the data set's own columns, their owners.
  struct Parts {
    Ratings kept, validation_columns, test_columns;
    RatingView train, validation, test;
    nlohmann::ordered_json report;
  };

  void resolve_positives(const LoadedData& data);
  Parts make_parts(const LoadedData& data);
  void check_refit(const Parts& parts);
  TrainResult train_parts(LoadedData& data, const Parts& parts);
  void keep_chosen(LoadedData& data, const Parts& parts, TrainResult& chosen);
  KeptModel save(LoadedData& data, const Parts& parts, TrainResult& result);
  void join_seen(const LoadedData& data, const TrainResult& result, Parts& parts);
  Evaluation evaluate_test(const Model& model, const Parts& parts, bool has_ratings);
  nlohmann::ordered_json describe(const LoadedData& data, const Parts& parts, const TrainResult& result) const;
  int finish(LoadedData& data, Parts& parts, TrainResult& result);
  // Evaluates the model that was kept and adds its metrics.
  void score(const LoadedData& data, const Parts& parts, TrainResult& result, KeptModel& kept);
  // Where this outcome may be written: an unfinished model never takes the place of a model.
  std::filesystem::path target(TrainOutcome outcome) const;
  void warn(const std::string& text);
  void log_line(const nlohmann::ordered_json& line);
  void say_next(const IdMap& user_ids, const std::filesystem::path& written);

  TrainOptions& options() { return request_.family->run(); }

  TrainRequest request_;
  std::string config_;
  EvaluateOptions evaluate_options_;
  std::optional<ItemGroups> groups_;  // that evaluate_options_ points to
  SplitSpec split_, validation_split_;
  bool has_validation_file_ = false;
  Progress progress_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<JsonLog> log_;
  SeenItems seen_;
  std::optional<float> positive_from_;  // the least rating of a positive
  std::uint32_t n_refit_epochs_ = 0;
  std::optional<KeptModel> chosen_;  // the model that validation chose, once it is saved
};

}  // namespace unfold::cli
