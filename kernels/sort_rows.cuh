// A short batch's rows in ascending order, and where each distinct one begins: all of it in one block, whose shared
// memory holds a row and its place in the batch as one number of 64 bits. So equal rows keep the order of the batch.
// Shapes    rows [n], sorted as SortRows writes it
// Work      a block of up to 1024 threads, up to four rows a thread: n log^2(n) / 4 comparisons
// Traffic   4 bytes a row read, 8 written, and 4 a distinct row
// Races     none
// Requires  n <= n_padded, a power of two from 2 to kMostRowsOfABlock; 8 * n_padded bytes of shared memory
// Source    Batcher, Sorting networks and their applications, AFIPS 1968 (block_sort_descending)
#pragma once

#include "kernels/block_sort.cuh"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

inline constexpr unsigned kSortThreads = 1024;

__global__ void __launch_bounds__(kSortThreads)
    sort_rows_kernel(const Row* rows, const unsigned n_padded, const SortedRows sorted) {
  UNFOLD_DYNAMIC_SHARED(std::uint64_t, keys);
  const auto n = static_cast<unsigned>(sorted.n);
  // The largest number is that of the least row; what fills up comes last.
  for (unsigned k = threadIdx.x; k < n_padded; k += blockDim.x) {
    keys[k] = k < n ? ~(static_cast<std::uint64_t>(rows[k]) << 32 | k) : 0;
  }
  block_sort_descending(keys, n_padded);
  const auto row_at = [&](unsigned k) { return static_cast<Row>(~keys[k] >> 32); };
  for (unsigned k = threadIdx.x; k < n; k += blockDim.x) {
    sorted.rows[k] = row_at(k);
    sorted.order[k] = static_cast<std::uint32_t>(~keys[k]);
  }

  // Neighbouring places are a thread's, so that its starts follow those of the threads below.
  const auto is_start = [&](unsigned k) { return k == 0 || row_at(k) != row_at(k - 1); };
  const unsigned n_a_thread = (n_padded + blockDim.x - 1) / blockDim.x;
  const unsigned first = threadIdx.x * n_a_thread;
  const unsigned last = first + n_a_thread < n ? first + n_a_thread : n;
  unsigned n_starts = 0;
  for (unsigned k = first; k < last; ++k) n_starts += is_start(k) ? 1 : 0;
  unsigned total = 0;
  unsigned at = block_prefix_sum(n_starts, total);
  for (unsigned k = first; k < last; ++k) {
    if (is_start(k)) sorted.starts[at++] = k;
  }
  if (threadIdx.x == 0) *sorted.n_segments = total;
}

}  // namespace unfold::cuda
