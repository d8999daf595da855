// cuBLAS for the emulated backend: every element is added up in the same order, so equal items get equal bits.
#include "kernels/blas.hpp"

#include "tests/simt/emulator.hpp"

namespace unfold::cuda {
namespace {

template <typename T>
float element(const Factor<T>& factor, std::uint64_t row, std::uint64_t column) {
  return to_float(factor.transposed ? factor.matrix.row(column)[row] : factor.matrix.row(row)[column]);
}

// Adds up in float32, and rounds once.
template <typename T, typename Out>
void multiply(cudaStream_t stream, const Factor<T>& a, const Factor<T>& b, bool adds, MatrixView<Out> out) {
  simt::enqueue(stream, "product", [=] {
    const std::uint64_t depth = product_depth(a);
    for (std::uint64_t r = 0; r < out.rows; ++r) {
      for (std::uint32_t c = 0; c < out.cols; ++c) {
        float sum = 0;
        for (std::uint64_t k = 0; k < depth; ++k) sum += element(a, r, k) * element(b, k, c);
        out.row(r)[c] = round_nearest<Out>(adds ? to_float(out.row(r)[c]) + sum : sum);
      }
    }
  });
}

}  // namespace

Blas::Blas(cudaStream_t stream) : stream_(stream) {}
Blas::~Blas() = default;

void Blas::prepare() {}

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores, std::uint64_t stride) {
  product({queries, false}, {items, true}, false, scores_view(scores, queries, items, stride));
}

void Blas::scores(MatrixView<const Bfloat16> queries, MatrixView<const Bfloat16> items, Bfloat16* scores,
                  std::uint64_t stride) {
  multiply<Bfloat16>(stream_, {queries, false}, {items, true}, false, scores_view(scores, queries, items, stride));
}

void Blas::product(const Factor<float>& a, const Factor<float>& b, bool adds, MatrixView<float> out) {
  multiply(stream_, a, b, adds, out);
}

void Blas::product(const Factor<Bfloat16>& a, const Factor<Bfloat16>& b, bool adds, MatrixView<float> out) {
  multiply(stream_, a, b, adds, out);
}

}  // namespace unfold::cuda
