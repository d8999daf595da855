#include "kernels/mixed_log_counts.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void mixed_log_counts(const Launch& launch, const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n,
                      float expected_draws, std::uint32_t* times, float* log_count) {
  if (n == 0) return;
  const unsigned given_grid = filling_grid(launch, n_given, kLogCountThreads);
  if (n_given > 0) launch_kernel<count_given_kernel>(launch, {given_grid, kLogCountThreads}, given, n_given, times);
  launch_kernel<write_log_counts_kernel>(launch, {filling_grid(launch, n, kLogCountThreads), kLogCountThreads}, rows, n,
                                         expected_draws, times, log_count);
  if (n_given > 0) launch_kernel<clear_given_kernel>(launch, {given_grid, kLogCountThreads}, given, n_given, times);
}

}  // namespace unfold::cuda
