// cuBLAS for the emulated backend: every score is added up in the same order, so equal items get equal bits.
#include "kernels/blas.hpp"

namespace unfold::cuda {

Blas::Blas(cudaStream_t stream) : handle_(stream) {}
Blas::~Blas() = default;

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores,
                  std::uint64_t stride) {
  simt::enqueue(static_cast<cudaStream_t>(handle_), "scores", [=] {
    for (std::uint64_t q = 0; q < queries.rows; ++q) {
      for (std::uint64_t i = 0; i < items.rows; ++i) {
        float sum = 0;
        for (std::uint32_t k = 0; k < items.cols; ++k) sum += queries.row(q)[k] * items.row(i)[k];
        scores[q * stride + i] = sum;
      }
    }
  });
}

}  // namespace unfold::cuda
