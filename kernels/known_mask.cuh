// Which of the negatives that all queries share a query's user knows.
#pragma once

#include "kernels/score_tiles.cuh"
#include "unfold/negative_sampling.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

// Negatives that all queries share: those of `sorted` that stand from place `first` of the batch on.
struct SharedRows {
  SortedRows sorted;
  std::uint64_t first = 0;
};

// scores[n] = mark for each negative n that is in `known`, repeated ones too. The shorter of the two lists is looked up
// in the longer. Called by whole blocks, which wait before they read the scores. Returns how many this thread marked.
template <typename Score>
__device__ inline std::uint64_t mark_known(const SharedRows& negatives, const KnownRows& known, Score mark,
                                           Score* scores) {
  const SortedRows& sorted = negatives.sorted;
  std::uint64_t n_marked = 0;
  const auto mark_at = [&](std::uint64_t at) {
    if (sorted.order[at] < negatives.first) return;
    scores[sorted.order[at] - negatives.first] = mark;
    ++n_marked;
  };
  if (known.size > sorted.n) {
    for (std::uint64_t k = threadIdx.x; k < sorted.n; k += blockDim.x) {
      if (is_known(known, sorted.rows[k])) mark_at(k);
    }
    return n_marked;
  }
  for (std::uint64_t k = threadIdx.x; k < known.size; k += blockDim.x) {
    const Row row = known.ids[k];
    std::uint64_t at = lower_bound(sorted.rows, 0, sorted.n, row);
    for (; at < sorted.n && sorted.rows[at] == row; ++at) mark_at(at);
  }
  return n_marked;
}

}  // namespace unfold::cuda
