// cuBLAS bound to a stream, with plain float32 arithmetic, or with factors of bfloat16 that tensor cores multiply and
// add up in float32, and scratch of its own. The first product loads it and takes the scratch: a machine without cuBLAS
// does all the rest.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device_memory.hpp"
#include "unfold/error.hpp"
#include "unfold/float16.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cuda {

// A factor of a product: a matrix as it stands, or its transpose.
template <typename T>
struct Factor {
  MatrixView<const T> matrix;
  bool transposed = false;
};

template <typename T>
std::uint64_t product_depth(const Factor<T>& a) {
  return a.transposed ? a.matrix.rows : a.matrix.cols;
}

// The product that scores are: [queries.rows, items.rows] with `stride` numbers from row to row.
template <typename T>
MatrixView<T> scores_view(T* scores, MatrixView<const T> queries, MatrixView<const T> items, std::uint64_t stride) {
  return {scores, queries.rows, static_cast<std::uint32_t>(items.rows), static_cast<std::uint32_t>(stride)};
}

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
  // Each score is rounded once, to the nearest. Fastest where rows of all three are aligned to 16 bytes.
  void scores(MatrixView<const Bfloat16> queries, MatrixView<const Bfloat16> items, Bfloat16* scores,
              std::uint64_t stride);

  // out = a b, and added to `out` where `adds`. Shapes: a [out.rows, depth], b [depth, out.cols] with depth > 0, all by
  // their columns in use. What stood in `out` is not read unless `adds`.
  void product(const Factor<float>& a, const Factor<float>& b, bool adds, MatrixView<float> out);
  void product(const Factor<Bfloat16>& a, const Factor<Bfloat16>& b, bool adds, MatrixView<float> out);

 private:
  cudaStream_t stream_;
  DeviceMemory workspace_;
  void* handle_ = nullptr;
};

// For ops that may be part of a step recorded as a graph: products take what they need when the op's workspace is asked
// for. Where that fails, the product itself will say why.
inline void prepare_products(Blas& blas, std::uint64_t n_products) {
  if (n_products == 0) return;
  try {
    blas.prepare();
  } catch (const DeviceError&) {
  }
}

}  // namespace unfold::cuda
