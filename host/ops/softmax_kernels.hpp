// The vector kernels under sampled_softmax and select_negatives: rows of scores, and a query's own negatives. Rows of
// scores hold whole panels (products.hpp) and are 64-byte aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "unfold/matrix_view.hpp"
#include "unfold/table_view.hpp"

namespace unfold::cpu {

inline constexpr float kNoScore = -std::numeric_limits<float>::infinity();  // of an item that takes no part

// scores[j] <- scores[j] * inverse - log_count[j]; log_count may be null (all 0) and has n_valid <= n numbers. Scores
// past n_valid become -infinity. Returns the highest; beside NaN, that or any other number.
float scale_scores(float* scores, const float* log_count, float inverse, std::size_t n_valid, std::size_t n);

float row_max(const float* row, std::size_t n);

struct ExpSums {
  float sum = 0;     // of e_j = exp(row[j] - max)
  float moment = 0;  // of e_j * (row[j] + log_count[j]): scores over T, weighted
};
// row[j] <- e_j, for max >= every number of the row. -infinity gives 0. The moment is left out (0) where with_moment is
// not set.
ExpSums exp_row(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float max, bool with_moment);

struct BprSums {
  float loss = 0, slope = 0, moment = 0;  // sums of w softplus(x), w sigmoid(x), w sigmoid(x) x over the row
};
// BPR of a row of scores over T, -infinity where an item takes no part: with x_j = row[j] - positive and
// w_j = exp(least_count - log_count[j]), row[j] <- w_j sigmoid(x_j).
BprSums bpr_row(float* row, const float* log_count, std::size_t n_valid, std::size_t n, float positive,
                float least_count);
// Sum of w_j over the items that take part.
float bpr_weight(const float* row, const float* log_count, std::size_t n_valid, std::size_t n, float least_count);

// out[j] += sum of rows[r][j] over r < n_rows, in this order, for j < n. Rows are readable for whole vectors.
void add_rows(const float* rows, std::size_t stride, std::size_t n_rows, std::size_t n, float* out);

// to[k] = from[k] rounded to bfloat16, as round_nearest rounds it; `to` may be `from`. Whole vectors of 16, 64-byte
// aligned.
void round_to_bfloat16(const float* from, std::size_t n, float* to);

void multiply_floats(float* row, std::size_t n, float factor);

// to += factor * from, n floats of whole vectors.
void add_multiple(const float* from, float factor, std::size_t n, float* to);
float dot(const float* a, const float* b, std::size_t n);

// A query's scores of table rows: (query . row) * inverse_length[k], with inverse_length = 1 / |row| where `normalize`,
// else 1. Rows of kNoRow score -infinity.
void score_table_rows(const float* query, const ConstTableView& table, bool normalize, const Row* rows, std::size_t n,
                      float* scores, float* inverse_length);

// Backwards through one of those scores, given slope = dL / d score:
//   query_gradient += slope * row * inverse_length
//   row_gradient    = slope * (query - (query . v) v) * inverse_length    with v = row * inverse_length
// without the term (query . v) v where not `normalize`. Columns past cols are zero.
void add_table_row_gradient(const float* query, const ConstTableView& table, bool normalize, Row row,
                            float inverse_length, float slope, float* query_gradient, float* row_gradient);

}  // namespace unfold::cpu
