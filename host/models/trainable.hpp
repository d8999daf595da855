// What the training loop asks of a model family.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

class TrainableModel {
 public:
  virtual ~TrainableModel() = default;

  // Before the steps of an epoch, 1-based; `progress` of the run, in [0, 1).
  virtual void begin_epoch(std::uint32_t /*epoch*/, double /*progress*/) {}
  // One step on a batch; adds its loss to *loss (in the backend's memory). `step_number` counts the steps of the run:
  // it and the seed decide every random draw.
  virtual void step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number, double* loss) = 0;

  // "rmse" or "loss": what epoch_loss is called in a history line and on the screen.
  virtual const char* loss_name() const = 0;
  // The epoch so far, from the sum of its steps' losses.
  virtual double epoch_loss(double sum, std::uint64_t n_ratings, std::uint64_t n_steps) const = 0;
  // More for the history line of an epoch.
  virtual void describe_epoch(nlohmann::ordered_json& /*line*/) {}
  // Of the tables as they are now: what validation and searches for hard negatives ask.
  virtual Scorer& scorer() = 0;
  // Copies the weights to `model`, as float32.
  virtual void download(Model& model) const = 0;
};

}  // namespace unfold
