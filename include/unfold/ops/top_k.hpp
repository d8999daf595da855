// The k best items of each query, exactly, without ever holding all scores, which are those of RankTargets. Best is the
// highest score, then the lowest row; excluded items and scores that are not numbers never appear.
// Order     the result depends on neither workspace nor threads
// Throws    UsageError unless 1 <= k <= kMaxTopK; k may pass the number of items
// Bytes     the items once for each tile of queries; 8 * k a query written
// Workspace by the shapes of queries and items and k; more makes larger tiles
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold {

struct TopK {
  MatrixView<const float> queries = {};  // [n_queries, dim]
  MatrixView<const float> items = {};    // [n_items, dim], stride of queries
  const float* item_bias = nullptr;      // [n_items] or null
  RowLists excluded = {};                // a list a query; null offsets: none
  std::uint32_t k = 1;
  Row* out_items = nullptr;     // [n_queries, k], best first; kNoRow where fewer items are left
  float* out_scores = nullptr;  // [n_queries, k]; -infinity where fewer are left
};

}  // namespace unfold
