// Vectors rounded to bfloat16, as products on tensor cores multiply them.
#pragma once

#include "kernels/launch.hpp"
#include "unfold/float16.hpp"

namespace unfold::cuda {

// Elements from row to row: `dim` in whole packs of 16 bytes.
std::uint32_t rounded_stride(std::uint32_t dim);

// Rounds to the nearest into `memory` [vectors.rows, rounded_stride(vectors.cols)]; the view has the columns that fill
// up a row, which are zero.
MatrixView<const Bfloat16> round_rows(const Launch& launch, const MatrixView<const float>& vectors, Bfloat16* memory);

}  // namespace unfold::cuda
