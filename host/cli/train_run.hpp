// One run of `unfold train`, from the data to the model on disk.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/cli/input_options.hpp"
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
  TrainOptions options;
  InputOptions input;
  ScoreOptions score;
  std::string log_json;
  bool quiet = false;
  bool overwrite = false;
  bool json = false;
};

// One JSON object a line, each on disk as soon as it is known.
class JsonLog {
 public:
  // No file, no log. Throws DataError where the file cannot be written.
  explicit JsonLog(const std::string& file);
  void write(const nlohmann::ordered_json& line);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
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

  Parts make_parts(const LoadedData& data);
  TrainResult train_parts(const LoadedData& data, const Parts& parts);
  Evaluation evaluate_test(const Model& model, const Parts& parts, bool has_ratings);
  nlohmann::ordered_json describe(const LoadedData& data, const Parts& parts, const TrainResult& result) const;
  int finish(LoadedData& data, const Parts& parts, TrainResult& result);
  // Where this outcome may be written: an unfinished model never takes the place of a model.
  std::filesystem::path target(TrainOutcome outcome) const;
  void say_next(const Model& model, const std::filesystem::path& written);

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
};

}  // namespace unfold::cli
