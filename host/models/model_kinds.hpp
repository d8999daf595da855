// The kinds of models that this program trains and scores.
#pragma once

#include <string>
#include <vector>

namespace unfold {

const std::vector<std::string>& known_model_kinds();

}  // namespace unfold
