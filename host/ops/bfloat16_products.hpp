// Products of matrices rounded to bfloat16, with float32 sums, by the instructions that some processors have for them:
// AMX-BF16, which multiplies tiles of 16 x 32 by 32 x 16 numbers, or AVX512_BF16. Elsewhere products.hpp multiplies
// rounded factors in float32.
//
// Factors are rounded to nearest even, and numbers too small for a normal bfloat16 to zero. Sums are taken over pairs
// of k, in ascending order, each pair's two products one after the other; their bits do not depend on tiling or
// threads. Both units treat numbers as Intel's manual says of TDPBF16PS and VDPBF16PS (Instruction Set Reference).
//
// By intrinsics, not through oneDNN: three shapes of product that convert the float32 scores of a step as they read
// them are some 200 lines, fix the order of sums and add nothing to a release; oneDNN would add tens of MB, converts in
// a pass of its own, and promises no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/ops/products.hpp"
#include "unfold/float16.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

enum class Bfloat16Unit { kAmx, kAvx512 };

// Those that this process may use, fastest first. AMX needs a permission of Linux 5.16 or later, which is asked for
// here.
std::span<const Bfloat16Unit> bfloat16_units();

// B [n_k, n_columns] by panels of kPanelWidth columns, in which pairs of k lie side by side: [n_k / 2, kPanelWidth, 2],
// n_k filled up with zeros to a multiple of 32; then the biases of the columns in float32.
std::uint64_t bfloat16_panel_bytes(std::uint64_t n_k);

// Packs columns [first, first + kPanelWidth) of the transposed of `rows`: B[k][c] = rows[first + c][k], and the biases
// of those rows (null: 0). Columns past the last are zero.
void pack_bfloat16_columns(MatrixView<const float> rows, const float* bias, std::uint64_t first, std::byte* panel);

// Packs columns [first, first + kPanelWidth) of B = rows where they lie side by side. Columns past rows.stride are
// zero.
void pack_bfloat16_rows(MatrixView<const float> rows, std::uint64_t first, std::byte* panel);

// As score_products and add_products of products.hpp: out = A B + bias, or out += A B for k in [first_k, first_k + n_k)
// of B's, first_k a multiple of 32. Of A either k_step or row_step is 1. The panels stand one after another. Columns
// are those of whole vectors of 16. `unit` is one of bfloat16_units().
void score_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t n_k, const std::byte* panels,
                             std::size_t n_panels, float* out, std::size_t out_stride, std::size_t n_rows);
void add_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t first_k, std::uint64_t n_k,
                           const std::byte* panels, std::uint64_t panel_n_k, float* out, std::size_t out_stride,
                           std::size_t n_rows, std::size_t n_columns);

}  // namespace unfold::cpu
