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

// Calls visit(n) for each negative n that is in `known`, repeated ones too. The shorter of the two lists is looked up
// in the longer. Called by whole blocks. Returns how many this thread visited.
template <typename Visit>
__device__ inline std::uint64_t visit_known(const SharedRows& negatives, const KnownRows& known, Visit&& visit) {
  const SortedRows& sorted = negatives.sorted;
  std::uint64_t n_visited = 0;
  const auto visit_at = [&](std::uint64_t at) {
    if (sorted.order[at] < negatives.first) return;
    visit(static_cast<std::uint32_t>(sorted.order[at] - negatives.first));
    ++n_visited;
  };
  if (known.size > sorted.n) {
    for (std::uint64_t k = threadIdx.x; k < sorted.n; k += blockDim.x) {
      if (is_known(known, sorted.rows[k])) visit_at(k);
    }
    return n_visited;
  }
  for (std::uint64_t k = threadIdx.x; k < known.size; k += blockDim.x) {
    const Row row = known.ids[k];
    std::uint64_t at = lower_bound(sorted.rows, 0, sorted.n, row);
    for (; at < sorted.n && sorted.rows[at] == row; ++at) visit_at(at);
  }
  return n_visited;
}

// scores[n] = mark for each of them. The block waits before it reads the scores.
template <typename Score>
__device__ inline std::uint64_t mark_known(const SharedRows& negatives, const KnownRows& known, Score mark,
                                           Score* scores) {
  return visit_known(negatives, known, [&](std::uint32_t n) { scores[n] = mark; });
}

}  // namespace unfold::cuda
