// Folding: how often items of groups that a user has nothing to do with come before those of the user's own.
// docs/metrics.md has the formulas with an example.
#pragma once

#include "host/eval/full_ranking.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/item_groups.hpp"

namespace unfold {

// `test` as of collect_test_items. Throws UsageError for a cutoff that is 0 or above kMaxTopK, or without cutoffs.
FoldingMetrics measure_folding(Backend& backend, Scorer& scorer, const TestItems& test, const SeenItems& seen,
                               const ItemGroups& groups, const EvaluateOptions& options);

}  // namespace unfold
