// How often each of `rows` is expected among negatives of which some are given and the others drawn.
// Formula   log_count[j] = log(expected_draws + times that rows[j] stands in `given`). Exact for any given rows,
//           however they came about: only the draws are random
// Bytes     20 * n_given + 12 * n_rows
// Source    the balance heuristic of Veach and Guibas, SIGGRAPH 1995
#pragma once

#include <cstdint>

#include "unfold/matrix_view.hpp"

namespace unfold {

struct MixedLogCounts {
  const Row* given = nullptr;  // [n_given]
  std::uint64_t n_given = 0;
  const Row* rows = nullptr;  // [n_rows]
  std::uint64_t n_rows = 0;
  float expected_draws = 0;        // of each row, on average, > 0
  std::uint32_t* times = nullptr;  // [n_items] scratch, zero before and after
  float* log_count = nullptr;      // [n_rows]
};

}  // namespace unfold
