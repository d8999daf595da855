// Sorts of values in a block's shared memory.
#pragma once

#include "kernels/simt.cuh"

namespace unfold::cuda {

// Puts a pair of values in order.
template <typename T>
__device__ inline void order_pair(T& a, T& b, bool descends) {
  if (descends ? a < b : b < a) {
    const T low = a;
    a = b;
    b = low;
  }
}

// Sorts runs of `size` values in shared memory, of n in all: the first the largest first, the next the smallest first,
// and so on. Both are powers of two. Batcher's bitonic network, each comparison in one thread. Called by whole blocks,
// which wait before they read the values.
template <typename T>
__device__ inline void block_sort_runs(T* values, unsigned n, unsigned size) {
  for (unsigned run = 2; run <= size; run *= 2) {
    for (unsigned stride = run / 2; stride > 0; stride /= 2) {
      __syncthreads();
      for (unsigned pair = threadIdx.x; pair < n / 2; pair += blockDim.x) {
        const unsigned low = 2 * pair - (pair & (stride - 1));
        order_pair(values[low], values[low + stride], (low & run) == 0);
      }
    }
  }
}

// Sorts n values in shared memory, n a power of two, the largest first. Called by whole blocks; they may read the
// values when it returns.
template <typename T>
__device__ inline void block_sort_descending(T* values, unsigned n) {
  block_sort_runs(values, n, n);
  __syncthreads();
}

// Moves the n_top largest of n values in shared memory to the front, the largest first; the others are lost. Both are
// powers of two. Sorts runs of n_top values, then halves their number until one is left: of a run that descends and
// one that ascends, the larger ones by place are the largest of both and a bitonic sequence, which is then put in
// order. Far fewer comparisons than a sort where n_top is far below n (Shanbhag, Pirk and Madden, Efficient top-k query
// processing on GPUs, SIGMOD 2018). Called by whole blocks; they may read the values when it returns.
template <typename T>
__device__ inline void block_top_descending(T* values, unsigned n, unsigned n_top) {
  block_sort_runs(values, n, n_top);
  const unsigned log_top = static_cast<unsigned>(__ffs(static_cast<int>(n_top)) - 1);
  for (unsigned spacing = n_top; spacing < n; spacing *= 2) {  // from one run to the next
    const unsigned n_kept = n / (2 * spacing) * n_top;
    __syncthreads();
    for (unsigned t = threadIdx.x; t < n_kept; t += blockDim.x) {
      const unsigned place = (t >> log_top) * 2 * spacing + (t & (n_top - 1));
      if (values[place] < values[place + spacing]) values[place] = values[place + spacing];
    }
    for (unsigned stride = n_top / 2; stride > 0; stride /= 2) {
      __syncthreads();
      for (unsigned pair = threadIdx.x; pair < n_kept / 2; pair += blockDim.x) {
        const unsigned t = 2 * pair - (pair & (stride - 1));
        const unsigned run = t >> log_top;
        const unsigned low = run * 2 * spacing + (t & (n_top - 1));
        order_pair(values[low], values[low + stride], run % 2 == 0);
      }
    }
  }
  __syncthreads();
}

}  // namespace unfold::cuda
