// The gradient by looked-up rows, in place, given that by the vectors that LookupRows made of them: with v the vector
// and g its gradient Formula   g <- keep * (g - (g . v) v) * scale[n]    where transform.normalize, else keep * (g + l2
// * v),
//           keep being 1 / (1 - dropout) or 0 for each element: a length of 1 feels no L2 penalty
// Bytes     n * (12 * cols + 4)
#pragma once

#include "unfold/matrix_view.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold {

struct TransformRowsGradient {
  RowTransform transform = {};           // as LookupRows had it, but for l2
  MatrixView<const float> vectors = {};  // what LookupRows made
  const float* scale = nullptr;          // [vectors.rows] likewise
  MatrixView<float> gradient = {};       // as vectors
};

}  // namespace unfold
