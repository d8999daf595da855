// What the training loop asks of a model family.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/models/epoch.hpp"
#include "unfold/model.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

class TrainableModel {
 public:
  virtual ~TrainableModel() = default;

  // One pass over the data.
  virtual void train_epoch(Epoch& epoch) = 0;

  // "rmse" or "loss": what epoch_loss is called in a history line and on the screen.
  virtual const char* loss_name() const = 0;
  // Of a family that streams: the epoch so far, from the sum of its steps' losses.
  virtual double epoch_loss(double sum, std::uint64_t /*n_ratings*/, std::uint64_t n_steps) const {
    return sum / static_cast<double>(n_steps);
  }
  // More for the history line of an epoch.
  virtual void describe_epoch(nlohmann::ordered_json& /*line*/) {}
  // Of the tables as they are now: what validation and searches for hard negatives ask.
  virtual Scorer& scorer() = 0;
  // Copies the weights to `model`, as float32.
  virtual void download(Model& model) const = 0;
  // What that takes of the host's memory.
  virtual std::uint64_t host_bytes() const = 0;
  // The tables that download() reads, where all that changes from epoch to epoch is in them: to put back what they held
  // is to have the model of that epoch. What is not finite in them is not finite in the download. Empty: a download is
  // the only copy that there can be.
  virtual std::vector<TableView> weight_tables() const { return {}; }
};

}  // namespace unfold
