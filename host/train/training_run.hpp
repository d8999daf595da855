// One run of the training loop: epochs, checks, validation, the best model kept.
#pragma once

#include <optional>

#include "unfold/train.hpp"

namespace unfold {

// `floor`: the least rating of a positive, where lower ones are none. `chosen`: the result that is trained again, on
// `data` with its validation part in training, or null.
TrainResult run_training(Backend& backend, const TrainData& data, const ModelFamily& family,
                         const std::optional<float>& floor, const TrainCallbacks& callbacks, const TrainResult* chosen);

}  // namespace unfold
