#include "kernels/mixed_log_counts.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const MixedLogCounts& op, std::span<std::byte> /*workspace*/) {
  if (op.n_rows == 0) return;
  const Launch& launch = context.launch;
  const Grid given_grid{filling_grid(launch, op.n_given, kLogCountThreads), kLogCountThreads};
  const Grid grid{filling_grid(launch, op.n_rows, kLogCountThreads), kLogCountThreads};
  if (op.n_given > 0) launch_kernel<count_given_kernel>(launch, given_grid, op.given, op.n_given, op.times);
  launch_kernel<write_log_counts_kernel>(launch, grid, op.rows, op.n_rows, op.expected_draws, op.times, op.log_count);
  if (op.n_given > 0) launch_kernel<clear_given_kernel>(launch, given_grid, op.given, op.n_given, op.times);
}

}  // namespace unfold::cuda
