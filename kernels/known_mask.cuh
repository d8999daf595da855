// Which of the negatives that all queries share a query's user knows.
#pragma once

#include "kernels/score_tiles.cuh"
#include "kernels/sort_positions.hpp"
#include "unfold/negative_sampling.hpp"

namespace unfold::cuda {

// scores[position] = mark for each negative that is in `known`, repeated ones too. The shorter of the two lists is
// looked up in the longer. Called by whole blocks, which wait before they read the scores. Returns how many this thread
// marked.
template <typename Score>
__device__ inline std::uint64_t mark_known(const SortedRows& negatives, const KnownRows& known, Score mark,
                                           Score* scores) {
  std::uint64_t n_marked = 0;
  if (known.size > negatives.n) {
    for (std::uint64_t k = threadIdx.x; k < negatives.n; k += blockDim.x) {
      if (!is_known(known, negatives.rows[k])) continue;
      scores[negatives.positions[k]] = mark;
      ++n_marked;
    }
    return n_marked;
  }
  for (std::uint64_t k = threadIdx.x; k < known.size; k += blockDim.x) {
    const Row row = known.ids[k];
    std::uint64_t at = lower_bound(negatives.rows, 0, negatives.n, row);
    for (; at < negatives.n && negatives.rows[at] == row; ++at) {
      scores[negatives.positions[at]] = mark;
      ++n_marked;
    }
  }
  return n_marked;
}

}  // namespace unfold::cuda
