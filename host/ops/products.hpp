// Products of float32 matrices, out = A B + bias or out += A B: scores, and the gradients of what was multiplied. Sums
// stay in registers over a stretch of k for which the first-level cache holds the part of B that is read.
//
// Every sum is one chain of multiply-adds in ascending order of k, then the bias, whichever kernel computes it and
// wherever in a tile it lies. So equal rows and columns give equal bits, for any tiling and any number of threads. A
// general matrix product promises no such thing for its edges.
//
// Work  2 * n_rows * n_k * n_columns FLOP
#pragma once

#include <cstddef>
#include <cstdint>

#include "unfold/matrix_view.hpp"

namespace unfold::cpu {

inline constexpr std::uint32_t kPanelWidth = 32;  // columns side by side in a panel, a multiple of every vector's lanes

constexpr std::uint64_t panels_for(std::uint64_t n_columns) { return (n_columns + kPanelWidth - 1) / kPanelWidth; }

// A [n_rows, n_k]: the number of row r and column k is data[r * row_step + k * k_step].
struct ProductRows {
  const float* data = nullptr;
  std::size_t row_step = 0, k_step = 1;
};

// B [n_k, n_columns], by panels: the number of row k and column c is data[c / kPanelWidth * panel_step + k * k_step +
// c % kPanelWidth]. 64-byte aligned, steps too.
struct ProductPanels {
  const float* data = nullptr;
  std::size_t panel_step = kPanelWidth, k_step = kPanelWidth;
};

// B = matrix [n_k, stride], where it lies.
inline ProductPanels panels_of(MatrixView<const float> matrix) { return {matrix.data, kPanelWidth, matrix.stride}; }

// A copy of a matrix in panels, for products of many rows whose parts of it lie far apart: it pays from this stride on.
inline constexpr std::uint32_t kPanelsPayFrom = 128;
// Floats of those panels.
inline std::uint64_t panels_size(MatrixView<const float> matrix) {
  return panels_for(matrix.stride) * matrix.rows * kPanelWidth;
}
// Copies rows first to last - 1 into panels that hold the whole matrix.
void copy_to_panels(MatrixView<const float> matrix, std::uint64_t first, std::uint64_t last, float* panels);
inline ProductPanels copied_panels(MatrixView<const float> matrix, const float* panels) {
  return {panels, matrix.rows * kPanelWidth, kPanelWidth};
}

// Floats of a packed panel: n_k rows, then the biases of its columns.
inline std::uint64_t panel_size(std::uint32_t n_k) { return std::uint64_t{kPanelWidth} * (n_k + std::uint64_t{1}); }

// out[r][c] = sum over k of A[r][k] * B[k][c], plus B[n_k][c], for packed panels one after another. out_stride >=
// n_panels * kPanelWidth; rows of out are 64-byte aligned.
void score_products(const ProductRows& a, std::uint32_t n_k, const float* panels, std::size_t n_panels, float* out,
                    std::size_t out_stride, std::size_t n_rows);

// out[r][c] += sum over k < n_k of A[r][k] * B[k][c]. n_columns is a multiple of 16, rows of out are 64-byte aligned.
void add_products(const ProductRows& a, const ProductPanels& b, std::size_t n_k, float* out, std::size_t out_stride,
                  std::size_t n_rows, std::size_t n_columns);

}  // namespace unfold::cpu
