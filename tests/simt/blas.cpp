// cuBLAS for the emulated backend: every element is added up in the same order, so equal items get equal bits.
#include "kernels/blas.hpp"

#include "tests/simt/emulator.hpp"

namespace unfold::cuda {
namespace {

float element(const Factor& factor, std::uint64_t row, std::uint64_t column) {
  return factor.transposed ? factor.matrix.row(column)[row] : factor.matrix.row(row)[column];
}

}  // namespace

Blas::Blas(cudaStream_t stream) : stream_(stream) {}
Blas::~Blas() = default;

void Blas::prepare() {}

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores,
                  std::uint64_t stride) {
  product({queries, false}, {items, true}, false,
          {scores, queries.rows, static_cast<std::uint32_t>(items.rows), static_cast<std::uint32_t>(stride)});
}

void Blas::product(const Factor& a, const Factor& b, bool adds, MatrixView<float> out) {
  simt::enqueue(stream_, "product", [=] {
    const std::uint64_t depth = a.transposed ? a.matrix.rows : a.matrix.cols;
    for (std::uint64_t r = 0; r < out.rows; ++r) {
      for (std::uint32_t c = 0; c < out.cols; ++c) {
        float sum = 0;
        for (std::uint64_t k = 0; k < depth; ++k) sum += element(a, r, k) * element(b, k, c);
        out.row(r)[c] = adds ? out.row(r)[c] + sum : sum;
      }
    }
  });
}

}  // namespace unfold::cuda
