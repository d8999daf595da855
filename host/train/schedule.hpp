// The learning rate over a run.
#pragma once

#include "unfold/train_options.hpp"

namespace unfold {

// The learning rate and momentum (Adam's beta1) at a point of the run.
struct ScheduleValue {
  double learning_rate;
  double beta1;
};

// `progress` in [0, 1).
ScheduleValue scheduled(const TrainOptions& options, double progress);

}  // namespace unfold
