// A run, and where it asks for that, a second one on training and validation together.
#include "unfold/train.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "host/train/training_run.hpp"
#include "unfold/error.hpp"
#include "unfold/split.hpp"

namespace unfold {
namespace {

TrainResult refit(Backend& backend, const TrainData& data, const ModelFamily& family, const std::optional<float>& floor,
                  const TrainCallbacks& callbacks, TrainResult chosen) {
  SeenItems trained;
  if (data.seen == nullptr) trained = SeenItems::from_ratings(data.train, data.n_users, data.n_items);
  Ratings joined = join_parts(data.train, data.validation, data.seen == nullptr ? trained : *data.seen);
  const TrainData all{joined.view(), {}, data.n_users, data.n_items, data.groups, nullptr};
  TrainResult again = run_training(backend, all, family, floor, callbacks, &chosen);
  std::vector<nlohmann::ordered_json> history = std::move(chosen.model.history);
  history.insert(history.end(), again.model.history.begin(), again.model.history.end());
  if (again.outcome == TrainOutcome::kFinished) {
    chosen.model = std::move(again.model);
    chosen.refitted = true;
    chosen.joined = std::move(joined);
  } else if (again.outcome == TrainOutcome::kInterrupted) {
    chosen.outcome = TrainOutcome::kInterrupted;
  } else if (callbacks.notice) {
    callbacks.notice(fmt::format("trained again, {}; the model that validation chose is kept", again.message));
  }
  chosen.model.history = std::move(history);
  return chosen;
}

}  // namespace

TrainResult train(Backend& backend, const TrainData& data, const ModelFamily& family, const TrainCallbacks& callbacks) {
  family.validate();
  if (data.train.size() == 0) throw UsageError("the training part is empty; hold out less, or give more data");
  // The same for both runs.
  const std::optional<float> floor = data.positive_from ? data.positive_from : family.positive_from(data.train);
  TrainResult chosen = run_training(backend, data, family, floor, callbacks, nullptr);
  const bool is_complete = chosen.outcome == TrainOutcome::kFinished || chosen.outcome == TrainOutcome::kEarlyStopped;
  if (!family.run().refit || !is_complete) return chosen;
  if (!chosen.validated) {
    if (!chosen.unscored && callbacks.notice) {
      callbacks.notice("--refit: there is no validation part, so nothing is trained again");
    }
    return chosen;
  }
  if (callbacks.chosen) callbacks.chosen(chosen);
  return refit(backend, data, family, floor, callbacks, std::move(chosen));
}

}  // namespace unfold
