#include "kernels/draw_negatives.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void draw_negatives(const Launch& launch, const NegativeSampler& sampler, const RandomKey& key, const Row* queries,
                    std::uint64_t n, std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q,
                    std::uint64_t* n_rejected) {
  if (n == 0 || n_negatives == 0) return;
  const unsigned grid = filling_grid(launch, n * n_negatives, kNegativeThreads);
  launch_kernel<draw_negatives_kernel>(launch, {grid, kNegativeThreads}, sampler, key, queries, n, n_negatives, known,
                                       negatives, log_q, n_rejected);
}

}  // namespace unfold::cuda
