// Rows that queries do not know, drawn uniformly or from an alias table, and the log of the probability of each:
// negative_sampling.hpp has how, and the formula. A query that knows every item gets kNoRow and 0.
// Order     draw j of query k is a pure function of (key.seed, key.step, (key.first_position + k) * n_negatives + j):
//           equal rows on every backend, in any batches
// Bytes     a negative writes 8, an attempt (1 / unknown mass of them on average) reads 8 + 4 * log2(known rows)
#pragma once

#include <cstdint>

#include "unfold/negative_sampling.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/random.hpp"

namespace unfold {

struct DrawNegatives {
  NegativeSampler sampler = {};  // uniform where it has no alias table
  RandomKey key = {};            // see Order
  const Row* queries = nullptr;  // [n_queries] the list of `known` that is query k's; null without lists
  std::uint64_t n_queries = 0;
  std::uint32_t n_negatives = 0;        // of each query
  RowLists known = {};                  // rows ascending, distinct and below n_items; null offsets: nothing is known
  Row* negatives = nullptr;             // [n_queries, n_negatives]
  float* log_q = nullptr;               // [n_queries, n_negatives] or null
  std::uint64_t* n_rejected = nullptr;  // [1] += draws that were known rows
};

}  // namespace unfold
