// Ranks of given items among all items, without ever holding all scores. Item i scores queries[q] . items[i] +
// item_bias[i] for query q.
// Formula   for target t of query q
//             rank = 1 + #{items that are neither excluded nor targets: score >= score(t)}
//                      + #{other targets of q: score > score(t), or equal and of a lower row}
//           so ties never flatter a model. A target whose score is NaN gets the last rank, the number of items that
//           take part; any other item whose score is NaN is before no target
// Bytes     the items once for each tile of queries
// Workspace by the shapes of queries and items and n_targets; more makes larger tiles
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold {

struct RankTargets {
  MatrixView<const float> queries = {};  // [n_queries, dim]
  MatrixView<const float> items = {};    // [n_items, dim], stride of queries
  const float* item_bias = nullptr;      // [n_items] or null
  RowLists targets = {};                 // a list a query
  RowLists excluded = {};          // a list a query, of items that do not take part, no target; null offsets: none
  std::uint64_t n_targets = 0;     // in all lists
  std::uint32_t* ranks = nullptr;  // [n_targets] in the order of targets.ids
};

}  // namespace unfold
