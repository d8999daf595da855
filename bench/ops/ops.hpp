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

// Those of the products under the CPU's ops.
void register_product_benchmarks();

}  // namespace unfold::bench
