// Sums of squared and absolute errors: one reduction, which CUB does, in an order that depends on n and the kind of
// device alone.
#include "kernels/device_algorithms.hpp"
#include "kernels/ops.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {

void rating_error_sums(const Launch& launch, const float* prediction, const float* rating, std::uint64_t n,
                       double* sums, std::span<std::byte> workspace) {
  if (n == 0) return;
  Workspace memory(workspace);
  const std::size_t bytes = sum_errors_scratch_bytes(n);
  const std::span<std::byte> scratch{memory.take<std::byte>(bytes), bytes};
  check_workspace("rating_error_sums", memory, workspace.size());
  sum_errors(scratch, prediction, rating, n, sums, launch.stream);
}

std::uint64_t rating_error_sums_workspace_bytes(std::uint64_t n) {
  if (n == 0) return 0;
  Workspace none;
  none.take<std::byte>(sum_errors_scratch_bytes(n));
  return none.used_bytes();
}

}  // namespace unfold::cuda
