// Negatives of a batch of queries: rows that a query does not know, drawn uniformly or from an alias table, and the
// log of the probability of each (negative_sampling.hpp, which the CPU shares).
// Shapes    queries [n] or null where nothing is known, known lists of rows, negatives and log_q [n, n_negatives]
// Work      a thread a negative
// Traffic   a negative writes 4 to 8 bytes; an attempt reads 8 at random from the alias table, and log2(known rows)
//           places of the query's list, mostly from cache
// Races     none; rejected draws are counted by integer atomics, which commute
// Requires  lists ascending, distinct and below n_items
// Source    Walker 1977; Vose 1991; Salmon et al., SC 2011 (Philox)
#pragma once

#include "kernels/simt.cuh"
#include "unfold/negative_sampling.hpp"
#include "unfold/step_variables.hpp"

namespace unfold::cuda {

inline constexpr unsigned kNegativeThreads = 256;

__global__ void __launch_bounds__(kNegativeThreads)
    draw_negatives_kernel(const NegativeSampler sampler, const RandomKey any_key, const Row* queries,
                          const std::uint64_t n, const std::uint32_t n_negatives, const RowLists known, Row* negatives,
                          float* log_q, std::uint64_t* n_rejected) {
  const RandomKey key = at_step(any_key);
  std::uint32_t rejected = 0;  // at most 31 a negative: a block's would have to be 138 million to pass 32 bits
  for (std::uint64_t slot = thread_index(); slot < n * n_negatives; slot += thread_count()) {
    const std::uint64_t k = slot / n_negatives;
    const KnownRows list = known_rows(known, queries, k);
    const NegativePlace at = {key.seed, key.step, key.first_position * n_negatives + slot};
    const Negative negative = draw_negative(sampler, list, at, first_draw(sampler, at));
    negatives[slot] = negative.row;
    rejected += negative.n_rejected;
    if (log_q != nullptr) {
      const Row query = known.offsets == nullptr ? 0 : queries[k];
      log_q[slot] = negative_log_q(sampler, draw_probability(sampler, list.size, query), negative.row);
    }
  }
  const std::uint32_t block_rejected = block_sum(rejected);
  if (threadIdx.x == 0 && block_rejected > 0) atomic_add(n_rejected, std::uint64_t{block_rejected});
}

}  // namespace unfold::cuda
