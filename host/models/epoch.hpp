// An epoch as a model sees it: its place in the run, and its data.
#pragma once

#include <cstdint>
#include <functional>

#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"

namespace unfold {

class Epoch {
 public:
  virtual ~Epoch() = default;
  virtual std::uint32_t number() const = 0;  // 1-based
  virtual double progress() const = 0;       // of the run when the epoch begins, in [0, 1)

  // One step on a batch; adds its loss to *loss (in the backend's memory). `step_number` counts the steps of the run:
  // it and the seed decide every random draw. It calls nothing but ops, so that it may be recorded as a graph.
  using Step =
      std::function<void(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number, double* loss)>;
  // Streams the epoch's data through `step`, a batch after another, at the rate that the schedule has then. Ends early
  // where the run is to stop, or has diverged.
  virtual void for_each_batch(const Step& step) = 0;
  // Of a family that does not stream: how much of the epoch is done, in [0, 1], and its loss so far. To be called at
  // its end at least. False: the run is to stop, or has diverged.
  virtual bool report(double share_done, double loss) = 0;
};

}  // namespace unfold
