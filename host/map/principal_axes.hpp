// The leading principal components of a table of embeddings.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/tensors.hpp"

namespace unfold {

struct PrincipalAxes {
  std::vector<double> mean;   // [dim], of the rows
  std::vector<double> axes;   // [n_axes, dim], orthonormal, that of the largest variance first; zeros beyond dim
  std::vector<double> share;  // [n_axes], of the rows' variance about their mean; zeros where there is none

  // The row's place on axis `a`, with the mean subtracted where `centred`.
  double project(const float* row, std::uint32_t a, bool centred) const;
};

// The eigenvectors of the rows' covariance, dim x dim, in double. The largest element of an axis is positive. Equal
// bits for any number of threads. The rows are finite.
PrincipalAxes principal_axes(const Tensor& rows, std::uint32_t n_axes);

}  // namespace unfold
