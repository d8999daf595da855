#include "host/ops/products.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/products.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes: a panel holds two whole vectors.
using ProductTag = hn::CappedTag<float, 16>;

// Rows whose sums stay in registers. With two vectors of columns each they fill sixteen registers, with four 32.
constexpr std::size_t kTileRows = 6;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3  // better targets have lower numbers
constexpr std::size_t kMostVectors = 4;
#else
constexpr std::size_t kMostVectors = 2;
#endif

// Of k: a tile then reads 8 KiB of B (16 of four vectors of 16 lanes) where B has panels of its own, and 4 KiB (16) in
// as many places of the cache where it lies in rows of a matrix.
constexpr std::size_t kStretch = 64, kPanelStretch = 256 / kMostVectors;

// Columns of A that are copied side by side for a stretch: in the matrix each k is on a page of its own, or nearly. How
// many steps ahead they are fetched, for the hardware does not follow steps of a page.
constexpr std::size_t kBlockColumns = 32, kStepsAhead = 16;

// A stretch of a product, [n_k] long, and what its sums start from and end with.
struct Stretch {
  std::size_t row_step, k_step;    // of A
  std::size_t panel_step, b_step;  // of B
  std::size_t n_k;
  std::size_t out_stride;
  bool starts;     // from zero, not from what out holds
  bool adds_bias;  // which follows B's last row
};

template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void multiply_tile(const Stretch& s, const float* a, const float* b, float* out) {
  const ProductTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto column = [&](std::size_t v) { return v / 2 * s.panel_step + v % 2 * lanes; };
  hn::Vec<ProductTag> sums[kRows][kVectors];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = s.starts ? hn::Zero(d) : hn::Load(d, out + r * s.out_stride + v * lanes);
    }
  }
  for (std::size_t k = 0; k < s.n_k; ++k, a += s.k_step, b += s.b_step) {
    hn::Vec<ProductTag> columns[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) columns[v] = hn::Load(d, b + column(v));
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto weight = hn::Set(d, a[r * s.row_step]);
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(weight, columns[v], sums[r][v]);
    }
  }
  if (s.adds_bias) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto bias = hn::Load(d, b + column(v));
      for (std::size_t r = 0; r < kRows; ++r) sums[r][v] = hn::Add(sums[r][v], bias);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sums[r][v], d, out + r * s.out_stride + v * lanes);
  }
}

template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void multiply_rows(const Stretch& s, const float*& a, const float* b, float*& out, std::size_t& n_rows) {
  multiply_tile<kRows, kVectors>(s, a, b, out);
  a += kRows * s.row_step;
  out += kRows * s.out_stride;
  n_rows -= kRows;
}

// Four rows keep both multipliers of a core busy too, two do not: 8 rows are twice four.
template <std::size_t kVectors>
HWY_INLINE void multiply_columns(const Stretch& s, const float* a, const float* b, float* out, std::size_t n_rows) {
  while (n_rows >= kTileRows && n_rows != 8) multiply_rows<kTileRows, kVectors>(s, a, b, out, n_rows);
  while (n_rows >= 4) multiply_rows<4, kVectors>(s, a, b, out, n_rows);
  while (n_rows >= 2) multiply_rows<2, kVectors>(s, a, b, out, n_rows);
  if (n_rows > 0) multiply_tile<1, kVectors>(s, a, b, out);
}

void multiply_stretch(const Stretch& s, const float* a, const float* b, float* out, std::size_t n_rows,
                      std::size_t n_columns) {
  const std::size_t lanes = hn::Lanes(ProductTag());
  const auto at = [&](std::size_t c) { return b + c / kPanelWidth * s.panel_step + c % kPanelWidth; };
  std::size_t c = 0;
  if constexpr (kMostVectors == 4) {
    for (; c + 4 * lanes <= n_columns; c += 4 * lanes) multiply_columns<4>(s, a, at(c), out + c, n_rows);
  }
  for (; c + 2 * lanes <= n_columns; c += 2 * lanes) multiply_columns<2>(s, a, at(c), out + c, n_rows);
  for (; c < n_columns; c += lanes) multiply_columns<1>(s, a, at(c), out + c, n_rows);
}

// The same where A's columns lie side by side, by blocks of them.
void multiply_block_stretch(const Stretch& s, const float* a, const float* b, float* out, std::size_t n_rows,
                            std::size_t n_columns) {
  alignas(64) float block[kStretch * kBlockColumns];
  Stretch of_block = s;
  of_block.k_step = kBlockColumns;
  for (std::size_t r = 0; r < n_rows; r += kBlockColumns) {
    const std::size_t n = std::min(kBlockColumns, n_rows - r);
    for (std::size_t k = 0; k < s.n_k; ++k) {
      const float* const from = a + r + k * s.k_step;
      hwy::Prefetch(from + kStepsAhead * s.k_step);
      hwy::Prefetch(from + kStepsAhead * s.k_step + n - 1);
      std::copy_n(from, n, block + k * kBlockColumns);
    }
    multiply_stretch(of_block, block, b, out + r * s.out_stride, n, n_columns);
  }
}

void multiply(const ProductRows& a, const ProductPanels& b, std::size_t n_k, bool is_score, float* out,
              std::size_t out_stride, std::size_t n_rows, std::size_t n_columns) {
  const bool is_by_columns = a.row_step == 1 && a.k_step != 1;
  const std::size_t longest = b.k_step == kPanelWidth && !is_by_columns ? kPanelStretch : kStretch;
  for (std::size_t k = 0; k < n_k; k += longest) {
    const std::size_t n = std::min(longest, n_k - k);
    const Stretch stretch = {a.row_step, a.k_step,   b.panel_step,       b.k_step,
                             n,          out_stride, is_score && k == 0, is_score && k + n == n_k};
    (is_by_columns ? multiply_block_stretch : multiply_stretch)(stretch, a.data + k * a.k_step, b.data + k * b.k_step,
                                                                out, n_rows, n_columns);
  }
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(multiply);

void score_products(const ProductRows& a, std::uint32_t n_k, const float* panels, std::size_t n_panels, float* out,
                    std::size_t out_stride, std::size_t n_rows) {
  const ProductPanels b = {panels, panel_size(n_k), kPanelWidth};
  HWY_DYNAMIC_DISPATCH(multiply)(a, b, n_k, true, out, out_stride, n_rows, n_panels * kPanelWidth);
}

void copy_to_panels(MatrixView<const float> matrix, std::uint64_t first, std::uint64_t last, float* panels) {
  for (std::uint64_t r = first; r < last; ++r) {
    for (std::uint32_t c = 0; c < matrix.stride; c += kPanelWidth) {
      float* const to = panels + (c / kPanelWidth * matrix.rows + r) * kPanelWidth;
      std::copy_n(matrix.row(r) + c, std::min(kPanelWidth, matrix.stride - c), to);
    }
  }
}

void add_products(const ProductRows& a, const ProductPanels& b, std::size_t n_k, float* out, std::size_t out_stride,
                  std::size_t n_rows, std::size_t n_columns) {
  HWY_DYNAMIC_DISPATCH(multiply)(a, b, n_k, false, out, out_stride, n_rows, n_columns);
}

}  // namespace unfold::cpu
#endif
