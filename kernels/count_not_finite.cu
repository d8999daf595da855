#include "kernels/count_not_finite.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const CountNotFinite& op, std::span<std::byte> /*workspace*/) {
  const std::uint64_t n = op.table.rows * op.table.stride;
  if (n == 0) return;
  with_element(op.table.type, [&]<typename Element>() {
    const unsigned grid = filling_grid(context.launch, op.table.bytes(), kFiniteThreads * kFiniteInFlight * 16);
    launch_kernel<count_not_finite_kernel<Element>>(context.launch, {grid, kFiniteThreads},
                                                    static_cast<const Element*>(op.table.data), n, op.count);
  });
}

}  // namespace unfold::cuda
