// Chooses hardness.n_kept = M of the pool's N candidates for each query, in one pass over their scores: those with the
// highest keys (selection_key), of equal keys the one that stands first; candidates that are kNoRow or, in a shared
// pool, known to the query's user never. Queries and positives as in SampledSoftmax.
// Formula   log_count is the candidate's own with, for kScoreWeighted where candidates were left out,
//           log(1 - exp(-exp(key without noise - k))) added, k being the (M + 1)-th key: then sums over the kept ones
//           estimate those over all candidates without bias
// Throws    UsageError unless 1 <= M <= N <= kMaxCandidates
// Work      2 * n_queries * N * dim operations
// Bytes     not shared: n_queries * N * (row of the table + 4)
// Workspace by the shape of batch.queries and pool.n; more makes larger tiles
#pragma once

#include "unfold/softmax_arguments.hpp"

namespace unfold {

struct SelectNegatives {
  SoftmaxBatch batch = {};     // weights, thresholds and log_temperature are not read
  CandidatePool pool = {};     // the N candidates
  Hardness hardness = {};      // what makes a key, and M
  Row* rows = nullptr;         // [n_queries, M], by descending key; kNoRow where fewer are left
  float* log_count = nullptr;  // [n_queries, M]; 0 where fewer are left
};

}  // namespace unfold
