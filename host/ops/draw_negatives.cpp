// Negatives of a batch of queries. Every draw is a function of its place, so that threads share nothing.
#include "host/ops/ops.hpp"

namespace unfold::cpu {

void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                    std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q, std::uint64_t* n_rejected,
                    int n_threads) {
  constexpr std::uint64_t kDrawsAPiece = 16;  // of work as threads_for counts it
  std::uint64_t rejected = 0;
#pragma omp parallel for num_threads(threads_for(n * n_negatives / kDrawsAPiece, n_threads)) schedule(static) \
    reduction(+ : rejected)
  for (std::uint64_t k = 0; k < n; ++k) {
    const KnownRows list = known_rows(known, queries, k);
    const Row query = known.offsets == nullptr ? 0 : queries[k];
    for (std::uint64_t slot = k * n_negatives; slot < (k + 1) * n_negatives; ++slot) {
      const std::uint64_t place = key.first_position * n_negatives + slot;
      const Negative negative = draw_negative(sampler, list, key.seed, key.step, place);
      negatives[slot] = negative.row;
      rejected += negative.n_rejected;
      if (log_q != nullptr) log_q[slot] = negative_log_q(sampler, list.size, query, negative.row);
    }
  }
  *n_rejected += rejected;
}

}  // namespace unfold::cpu
