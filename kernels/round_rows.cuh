// Rows rounded to 16 bits, to the nearest value: what matrix products on tensor cores multiply.
// Shapes    in [n, in.cols], out [n, out.stride] in whole packs of eight elements; those past in.cols become zero
// Work      a thread eight neighbouring elements
// Traffic   reads 4 * in.stride and writes 2 * out.stride bytes a row, 16 bytes an access
// Races     none
// Requires  rows of both aligned to 16 bytes, the padding of `in` zero
#pragma once

#include "kernels/simt.cuh"

namespace unfold::cuda {

inline constexpr unsigned kRoundThreads = 256;
inline constexpr std::uint32_t kRoundedPack = 8;

template <typename Element>
__global__ void __launch_bounds__(kRoundThreads)
    round_rows_kernel(const MatrixView<const float> in, const MatrixView<Element> out) {
  constexpr std::uint32_t kLoad = 4;  // floats in 16 bytes
  const std::uint32_t n_packs = out.stride / kRoundedPack;
  for (std::uint64_t k = thread_index(); k < out.rows * n_packs; k += thread_count()) {
    const std::uint64_t row = k / n_packs;
    const std::uint32_t first = static_cast<std::uint32_t>(k % n_packs) * kRoundedPack;
    float pack[kRoundedPack] = {};
    UNFOLD_UNROLL
    for (std::uint32_t begin = 0; begin < kRoundedPack; begin += kLoad) {
      if (first + begin >= in.stride) continue;
      float part[kLoad];
      load_pack<kLoad>(in.row(row) + first + begin, part);
      UNFOLD_UNROLL
      for (std::uint32_t j = 0; j < kLoad; ++j) pack[begin + j] = part[j];
    }
    store_nearest(out.row(row) + first, pack);
  }
}

}  // namespace unfold::cuda
