// An epoch as a model sees it: its place in the run, and its data.
#pragma once

#include <cstdint>
#include <functional>

#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/step_variables.hpp"

namespace unfold {

// What a step takes beside its batch: the same for every step, but for what `now` points to in the backend's memory.
// That decides every random draw.
struct TrainingStep {
  OptimizerStep optimizer;
  const StepVariables* now = nullptr;
  StepSum loss;  // added to
};

class Epoch {
 public:
  virtual ~Epoch() = default;
  virtual std::uint32_t number() const = 0;  // 1-based
  virtual double progress() const = 0;       // of the run when the epoch begins, in [0, 1)

  // One step on a batch. It calls nothing but ops, and what they take changes with the batch's place and size and with
  // `version` of for_each_batch alone, so that one step may stand for later ones.
  using Step = std::function<void(const RatingBatch& batch, const TrainingStep& step)>;
  // Streams the epoch's data through `step`, a batch after another, at the rate that the schedule has then. Ends early
  // where the run is to stop, or has diverged.
  virtual void for_each_batch(const Step& step, std::uint64_t version) = 0;
  void for_each_batch(const Step& step) { for_each_batch(step, 0); }
  // Of a family that does not stream: how much of the epoch is done, in [0, 1], and its loss so far. To be called at
  // its end at least. False: the run is to stop, or has diverged.
  virtual bool report(double share_done, double loss) = 0;
};

}  // namespace unfold
