// Training, from options to a model in host memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "unfold/backend.hpp"
#include "unfold/item_groups.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/model.hpp"
#include "unfold/model_family.hpp"
#include "unfold/train_data.hpp"

namespace unfold {

struct TrainProgress {
  std::uint32_t epoch = 0;  // 1-based
  std::uint32_t n_epochs = 0;
  double epoch_progress = 0;  // 0 to 1
  const char* loss_name = "rmse";
  double train_loss = 0;          // of the epoch so far, before each update
  double ratings_per_second = 0;  // of the epoch so far
  double eta_seconds = 0;         // to the end of the run
  std::uint32_t best_epoch = 0;   // kept so far; 0: none
};

struct TrainResult;

// Called from the training thread.
struct TrainCallbacks {
  std::function<void(const MemoryPlan&)> plan;         // before anything is allocated
  std::function<void(const TrainProgress&)> progress;  // at most ten times a second
  // After every epoch, the history line: epoch, train_rmse or train_loss as the family has it, seconds,
  // ratings_per_second; where batches are streamed, learning_rate and wait_share (of the epoch, in which the device had
  // no batch to work on); with a validation part, validation_rmse and validation_mae, or validation_recall@20 and
  // validation_ndcg@20; and what the family adds.
  std::function<void(const nlohmann::ordered_json&)> evaluation;
  std::function<void(const std::string&)> notice;  // something a user should know
  std::function<bool()> stop;                      // true: finish the batch and stop (asked between batches)
  // refit: the model that validation chose, before it is trained again; what the caller adds to it stays. Lines of
  // `evaluation` hold "refit": true after.
  std::function<void(TrainResult&)> chosen;
};

enum class TrainOutcome { kFinished, kEarlyStopped, kInterrupted, kDiverged };

struct TrainResult {
  Model model;  // without ids, seen and metrics, which the caller adds
  TrainOutcome outcome = TrainOutcome::kFinished;
  std::string message;           // kDiverged: epoch, step and what to do
  std::uint32_t best_epoch = 0;  // the epoch the model is of (the best by validation, else the last)
  bool has_model = true;         // false: diverged before a first epoch ended
  bool validated = false;        // best_epoch is validation's choice
  bool unscored = false;         // there was a validation part, and nothing of it could be scored
  bool refitted = false;         // trained again, on training and validation, for best_epoch epochs
  Ratings joined;                // refitted: training and validation together
};

// Throws UsageError where the options ask for what the backend does not have. train() calls it too: to call it before
// is to know before data is read.
void check_device(const TrainOptions& options, const Backend& backend);

// Every number of the model is finite: where one is not, the run has diverged. With refit, a second run that is
// interrupted (the outcome says so) or diverges leaves the model that validation chose. Throws UsageError, DeviceError
// (memory: both numbers), DataError.
TrainResult train(Backend& backend, const TrainData& data, const ModelFamily& family, const TrainCallbacks& callbacks);

}  // namespace unfold
