#include "unfold/softmax_arguments.hpp"

#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold {

void check_score_type(const SharedNegatives& shared) {
  if (shared.score_type != TableType::kFloat16) return;
  throw UsageError("sampled_softmax: scores of float16, whose range gradients fall below; use float32 or bfloat16");
}

void check_selection(const Hardness& hardness, const CandidatePool& pool) {
  if (hardness.n_kept < 1 || hardness.n_kept > pool.n) {
    throw UsageError(
        fmt::format("select_negatives: {} of {} candidates; keep 1 to {}", hardness.n_kept, pool.n, pool.n));
  }
  if (pool.n > kMaxCandidates) {
    throw UsageError(fmt::format("select_negatives: {} candidates; use at most {}", pool.n, kMaxCandidates));
  }
}

}  // namespace unfold
