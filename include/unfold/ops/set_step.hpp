// Makes the variables of a step those of the next one, in order with the ops that read them.
// Bytes     sizeof(StepVariables)
#pragma once

#include "unfold/step_variables.hpp"

namespace unfold {

struct SetStep {
  StepVariables values = {};
  StepVariables* now = nullptr;  // [1], written
};

}  // namespace unfold
