// Forward and backward of a batch's losses over {positive, negatives}; softmax_loss.hpp has the formulas. A query's
// negatives are the shared ones that its user does not know (and that are not its positive: known lists hold it) and
// its own, all in one denominator. Gradients are those of scale * sum of the queries' losses.
// Order     products of shared negatives: scores [n_queries, n], then the gradients of queries and of shared vectors,
//           accumulated in float32, of factors that shared.score_type may let it round; the log of a sum of
//           exponentials is taken relative to its largest term. A shared negative's gradient is a sum over queries in a
//           fixed order for a given number of threads. With shared.fused no scores are kept, where a backend can
// Throws    UsageError where a matrix has another stride than batch.queries, and for a score_type of kFloat16
// Work      6 * n_queries * shared.n() * dim operations
// Bytes     own negatives n_queries * own.n * (row of the table + 4 * dim)
// Workspace by the shape and stride of batch.queries, shared.n(), shared.score_type, shared.fused, loss.kind and own.n;
//           more makes larger tiles
#pragma once

#include "unfold/softmax_arguments.hpp"
#include "unfold/softmax_loss.hpp"

namespace unfold {

struct SampledSoftmax {
  SoftmaxBatch batch = {};      // queries and their positives
  SharedNegatives shared = {};  // none where it has no vectors
  OwnNegatives own = {};        // none where n is 0
  SoftmaxLoss loss = {};
  float scale = 1;                  // of the sum of losses: 1 / n_queries for their mean
  SoftmaxGradients gradients = {};  // where the results go
};

}  // namespace unfold
