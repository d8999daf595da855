// What changes from one step of training to the next. It stands in the backend's memory, where ops read it when they
// run: so what one step launched can be launched again for the next, with nothing in it changed.
#pragma once

#include <cstdint>

#include "unfold/host_device.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/random.hpp"

namespace unfold {

// From a seed of random draws to the next; one step takes at most 256.
inline constexpr std::uint64_t kSeedStride = 0x9E3779B97F4A7C15ull;

struct StepVariables {
  float learning_rate = 0;
  float beta1 = 0;                      // of Adam
  std::uint32_t step = 0;               // of random draws: the lower 32 bits of the step's number in the run
  std::uint64_t seed_shift = 0;         // added to their seeds; steps past 2^32 take other seeds too
  std::uint64_t rounding_keys[2] = {};  // OptimizerStep::rounding_key, of two tables
  std::uint64_t batch = 0;              // the step's number in its epoch
};

// Of step `step_number` of a run, whose seed this is.
StepVariables step_variables(std::uint64_t seed, std::uint64_t step_number, std::uint64_t batch, float learning_rate,
                             float beta1);

// The same with its values of the present step, where it has any.
UNFOLD_HOST_DEVICE inline RandomKey at_step(RandomKey key) {
  if (key.now == nullptr) return key;
  key.seed += key.now->seed_shift;
  key.step = key.now->step;
  return key;
}
UNFOLD_HOST_DEVICE inline OptimizerStep at_step(OptimizerStep step) {
  if (step.now == nullptr) return step;
  step.learning_rate = step.now->learning_rate;
  step.beta1 = step.now->beta1;
  step.rounding_key = step.now->rounding_keys[step.rounding_table];
  return step;
}

// Where ops add a step's loss: one number, or with `now` that of its batch among those of an epoch.
struct StepSum {
  double* sum = nullptr;
  const StepVariables* now = nullptr;

  StepSum() = default;
  StepSum(double* place, const StepVariables* at = nullptr) : sum(place), now(at) {}
  UNFOLD_HOST_DEVICE double* place() const { return now == nullptr ? sum : sum + now->batch; }
};

}  // namespace unfold
