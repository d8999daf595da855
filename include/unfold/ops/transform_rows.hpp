// The vectors that are scored, from looked-up rows, in place; and the gradient of that.
#pragma once

#include "unfold/matrix_view.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold {

// Formula   row n becomes dropout(row) * scale[n] with scale[n] = 1 / its length where transform.normalize, else 1
// Bytes     n * (8 * cols + 4)
struct TransformRows {
  RowTransform transform = {};  // its l2 is not read
  MatrixView<float> rows = {};  // [n, cols]; padding is zero and stays so
  float* scale = nullptr;       // [rows.rows] or null
};

// The gradient by the rows, in place, given that by the vectors: with v the vector and g its gradient
// Formula   g <- keep * (g - (g . v) v) * scale[n]    where transform.normalize, else keep * (g + l2 * v),
//           keep being 1 / (1 - dropout) or 0 for each element: a length of 1 feels no L2 penalty
// Bytes     n * (12 * cols + 4)
struct TransformRowsGradient {
  RowTransform transform = {};           // as TransformRows had it, but for l2
  MatrixView<const float> vectors = {};  // what TransformRows made
  const float* scale = nullptr;          // [vectors.rows] likewise
  MatrixView<float> gradient = {};       // as vectors
};

}  // namespace unfold
