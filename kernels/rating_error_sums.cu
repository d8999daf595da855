// Sums of squared and absolute errors: one reduction, which CUB does, in an order that depends on n and the kind of
// device alone.
#include "kernels/device_algorithms.hpp"
#include "kernels/ops.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {

void run(const Context& context, const RatingErrorSums& op, std::span<std::byte> workspace) {
  if (op.n_ratings == 0) return;
  Workspace memory(workspace);
  const std::size_t bytes = sum_errors_scratch_bytes(op.n_ratings);
  const std::span<std::byte> scratch{memory.take<std::byte>(bytes), bytes};
  check_workspace("rating_error_sums", memory, workspace.size());
  sum_errors(scratch, op.prediction, op.rating, op.n_ratings, op.sums, context.launch.stream);
}

std::uint64_t workspace_bytes(const Context& /*context*/, const RatingErrorSums& op) {
  if (op.n_ratings == 0) return 0;
  Workspace none;
  none.take<std::byte>(sum_errors_scratch_bytes(op.n_ratings));
  return none.used_bytes();
}

}  // namespace unfold::cuda
