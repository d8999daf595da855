#include "kernels/round_rows.cuh"

#include "kernels/round_rows.hpp"

namespace unfold::cuda {

std::uint32_t rounded_stride(std::uint32_t dim) { return (dim + kRoundedPack - 1) / kRoundedPack * kRoundedPack; }

MatrixView<const Bfloat16> round_rows(const Launch& launch, const MatrixView<const float>& vectors, Bfloat16* memory) {
  const std::uint32_t stride = rounded_stride(vectors.cols);
  const MatrixView<Bfloat16> rounded{memory, vectors.rows, stride, stride};
  const unsigned blocks = filling_grid(launch, rounded.size() / kRoundedPack, kRoundThreads);
  launch_kernel<round_rows_kernel<Bfloat16>>(launch, {blocks, kRoundThreads}, vectors, rounded);
  return rounded;
}

}  // namespace unfold::cuda
