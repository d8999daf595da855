// The model of a run, from its options.
#pragma once

#include <cstdint>
#include <memory>

#include "host/models/trainable.hpp"
#include "host/train/positives.hpp"
#include "unfold/train.hpp"

namespace unfold {

// What make_model will allocate. Requires validate(options).
void plan_model(const Backend& backend, const TrainData& data, const Positives& positives, const TrainOptions& options,
                std::uint64_t batch_size, MemoryPlan& plan);

// Requires validate(options). Throws UsageError for options that do not fit the data.
std::unique_ptr<TrainableModel> make_model(Backend& backend, const TrainData& data, const Positives& positives,
                                           const TrainOptions& options, std::uint64_t batch_size);

}  // namespace unfold
