// Log counts of negatives of which some are given and some drawn: log(expected draws + times given).
// Shapes    given [n_given], rows [n], log_count [n], times [items] zero
// Work      a thread an element; three launches: count, write, put the counters back
// Traffic   a given row reads 8 bytes, adds to 4 and zeroes 4; a row reads 8 bytes, of which 4 anywhere, and writes 4
// Races     counting adds atomically to whole numbers: the same sums in any order
// Requires  every row in range
#pragma once

#include "kernels/simt.cuh"

namespace unfold::cuda {

inline constexpr unsigned kLogCountThreads = 256;

__global__ void __launch_bounds__(kLogCountThreads)
    count_given_kernel(const Row* given, const std::uint64_t n_given, std::uint32_t* times) {
  for (std::uint64_t k = thread_index(); k < n_given; k += thread_count()) atomic_add(&times[given[k]], 1u);
}

__global__ void __launch_bounds__(kLogCountThreads)
    write_log_counts_kernel(const Row* rows, const std::uint64_t n, const float expected_draws,
                            const std::uint32_t* times, float* log_count) {
  for (std::uint64_t k = thread_index(); k < n; k += thread_count()) {
    log_count[k] = logf(expected_draws + static_cast<float>(times[rows[k]]));
  }
}

__global__ void __launch_bounds__(kLogCountThreads)
    clear_given_kernel(const Row* given, const std::uint64_t n_given, std::uint32_t* times) {
  for (std::uint64_t k = thread_index(); k < n_given; k += thread_count()) times[given[k]] = 0;
}

}  // namespace unfold::cuda
