// A model with random parameters, for tests of what stores and exports models.
#pragma once

#include "unfold/model.hpp"

namespace unfold::test {

// 5 users, 4 items, with ids that need quoting and floats of every size, subnormal and negative zero included.
Model small_model(std::uint32_t dim = 3);

}  // namespace unfold::test
