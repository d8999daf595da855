// What a finished run tells about itself: why it ended, which epoch it kept, and what that one scored.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "unfold/train.hpp"

namespace unfold::cli {

// The validation scores of a history line, "validation rmse 0.8712  mae 0.6701"; empty where it has none, or
// they are over nothing.
std::string validation_text(const nlohmann::ordered_json& line);

// Two lines: why training ended, and which epoch the model is of.
std::string training_summary(const TrainResult& result, const TrainOptions& options);

}  // namespace unfold::cli
