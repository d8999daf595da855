// The model of a run, from its options.
#pragma once

#include <cstdint>
#include <memory>

#include "host/models/trainable.hpp"
#include "host/tables/arena.hpp"
#include "host/train/positives.hpp"
#include "unfold/train.hpp"

namespace unfold {

// The model that validated options describe; an arena that plans gives one without memory. `positives` and `seen` are
// those of data.train. Throws UsageError, DeviceError.
std::unique_ptr<TrainableModel> make_model(const Arena& arena, const TrainData& data, const Positives& positives,
                                           const SeenItems& seen, const TrainOptions& options,
                                           std::uint64_t batch_size);

}  // namespace unfold
