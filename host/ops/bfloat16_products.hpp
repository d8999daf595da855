// Products of matrices rounded to bfloat16, with float32 sums, by the instructions that some processors have for them:
// AMX-BF16, which multiplies tiles of 16 x 32 by 32 x 16 numbers, or AVX512_BF16. Elsewhere products.hpp multiplies
// rounded factors in float32.
//
// Factors are rounded to nearest even. Both units take numbers and sums below the least normal float32 for zero. Sums
// go over k in ascending order: AVX512_BF16 adds the two products of a pair one after the other; AMX adds up the even
// and the odd k of 32 by themselves, then both to what was there (Intel, Instruction Set Reference, VDPBF16PS and
// TDPBF16PS). So their bits do not depend on rows, columns or threads, nor on stretches of k that begin at multiples
// of 32.
//
// By intrinsics, not through oneDNN: it would convert the float32 scores of a step in a pass of its own, where here
// they are converted as they are packed, add tens of MB to a release, and it promises no order of sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/ops/products.hpp"
#include "unfold/float16.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

enum class Bfloat16Unit { kAmx, kAvx512 };

// Those that the processor has and the system saves the state of, fastest first.
std::vector<Bfloat16Unit> processor_bfloat16_units();
// Those of them that this process may use. The first call asks Linux (5.16 or later) for the permission that AMX needs;
// it holds for the process and those forked from it, whose signal stacks (sigaltstack) must then have room for tiles.
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
// of B's, both multiples of 32 but for the last stretch. Of A either k_step or row_step is 1. The panels stand one
// after another. Columns are those of whole vectors of 16. `unit` is one of bfloat16_units().
void score_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t n_k, const std::byte* panels,
                             std::size_t n_panels, float* out, std::size_t out_stride, std::size_t n_rows);
void add_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t first_k, std::uint64_t n_k,
                           const std::byte* panels, std::uint64_t panel_n_k, float* out, std::size_t out_stride,
                           std::size_t n_rows, std::size_t n_columns);

}  // namespace unfold::cpu
