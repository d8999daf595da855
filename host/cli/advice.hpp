// What to do about a table of scores in which popularity is ahead.
#pragma once

#include <string>

#include "unfold/evaluate.hpp"
#include "unfold/model.hpp"

namespace unfold::cli {

// Lines to put under the table: which scores are behind the baseline's, why, and which model or options to use instead.
// Empty where the model is ahead.
std::string advice(const Evaluation& evaluation, const Model& model);

}  // namespace unfold::cli
