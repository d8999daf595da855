// cuBLAS bound to a stream, with plain float32 arithmetic and scratch of its own. The first product loads it and takes
// the scratch: a machine without cuBLAS does all the rest.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device_memory.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cuda {

// A factor of a product: a matrix as it stands, or its transpose.
struct Factor {
  MatrixView<const float> matrix;
  bool transposed = false;
};

class Blas {
 public:
  // Loads nothing yet.
  explicit Blas(cudaStream_t stream);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // Loads cuBLAS and takes the scratch, once; the first product does so itself. A step recorded as a graph, in which
  // nothing may be allocated, calls it before. Throws DeviceError saying where cuBLAS was looked for.
  void prepare();

  // scores[q * stride + i] = queries[q] . items[i]. Shapes: queries [n_queries, dim], items [n_items, dim],
  // scores [n_queries, stride] with stride >= n_items. Equal items of one call get equal bits.
  void scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores, std::uint64_t stride);

  // out = a b, and added to `out` where `adds`. Shapes: a [out.rows, depth], b [depth, out.cols] with depth > 0, all by
  // their columns in use. What stood in `out` is not read unless `adds`.
  void product(const Factor& a, const Factor& b, bool adds, MatrixView<float> out);

 private:
  cudaStream_t stream_;
  DeviceMemory workspace_;
  void* handle_ = nullptr;
};

}  // namespace unfold::cuda
