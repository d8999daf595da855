// What to do about a table of scores in which popularity is ahead.
#pragma once

#include <string>

#include "unfold/evaluate.hpp"

namespace unfold::cli {

// Lines to put under the table: which scores are behind the baseline's, why, and which model or options to use instead.
// Empty where the model is ahead. `kind` is the model's family, "mf" or "softmax".
std::string advice(const Evaluation& evaluation, const std::string& kind);

}  // namespace unfold::cli
