// The benchmarks of each op of unfold/ops.def.
#pragma once

#include "unfold/ops.hpp"

namespace unfold::bench {

// Adds those of an op, once the device is chosen.
template <typename Op>
void register_benchmarks();
#define UNFOLD_OP(Op) \
  template <>         \
  void register_benchmarks<Op>();
#include "unfold/ops.def"
#undef UNFOLD_OP

}  // namespace unfold::bench
