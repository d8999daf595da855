// What the steps of a run read in the backend's memory, and where their losses go.
#pragma once

#include <cstdint>

#include "host/models/epoch.hpp"
#include "host/train/epoch_losses.hpp"
#include "host/train/schedule.hpp"
#include "unfold/train_options.hpp"

namespace unfold {

class StepMemory {
 public:
  StepMemory(const Arena& arena, std::uint64_t n_batches)
      : losses(arena, n_batches), now_(arena.array<StepVariables>("variables of a step", 1)) {}

  EpochLosses losses;

  // The same for every step: what changes, it reads where `set` writes it.
  TrainingStep arguments(const TrainOptions& options) const {
    TrainingStep step;
    step.now = now_.data();
    step.loss = {losses.slot(0), step.now};
    step.optimizer.kind = optimizer_kind(options);
    step.optimizer.beta2 = static_cast<float>(options.beta2);
    step.optimizer.epsilon = static_cast<float>(options.epsilon);
    step.optimizer.now = step.now;
    return step;
  }

  // For step `step_number` of the run, batch `batch` of its epoch.
  void set(Backend& backend, std::uint64_t seed, std::uint64_t step_number, std::uint64_t batch,
           const ScheduleValue& value) const {
    backend.run(SetStep{.values = step_variables(seed, step_number, batch, static_cast<float>(value.learning_rate),
                                                 static_cast<float>(value.beta1)),
                        .now = now_.data()});
  }

 private:
  DeviceArray<StepVariables> now_;
};

}  // namespace unfold
