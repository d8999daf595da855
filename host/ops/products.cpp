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
constexpr std::size_t kMostVectors = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 4 : 2;

// Of k: B's part for a tile of columns then takes at most half of the first-level cache, beside rows of A.
#ifndef STRETCH
#define STRETCH 64
#endif
constexpr std::size_t kStretch = STRETCH;

// How many steps ahead numbers of A are fetched that do not lie side by side: the hardware does not follow steps of a
// page.
constexpr std::size_t kStepsAhead = 16;

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
  const std::size_t ahead = s.k_step == 1 ? 0 : kStepsAhead * s.k_step;
  for (std::size_t k = 0; k < s.n_k; ++k, a += s.k_step, b += s.b_step) {
    if (ahead != 0) hwy::Prefetch(a + ahead);
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

template <std::size_t kVectors>
HWY_INLINE void multiply_columns(const Stretch& s, const float* a, const float* b, float* out, std::size_t n_rows) {
  for (; n_rows >= kTileRows; n_rows -= kTileRows, a += kTileRows * s.row_step, out += kTileRows * s.out_stride) {
    multiply_tile<kTileRows, kVectors>(s, a, b, out);
  }
  for (; n_rows >= 2; n_rows -= 2, a += 2 * s.row_step, out += 2 * s.out_stride) {
    multiply_tile<2, kVectors>(s, a, b, out);
  }
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

void multiply(const ProductRows& a, const ProductPanels& b, std::size_t n_k, bool is_score, float* out,
              std::size_t out_stride, std::size_t n_rows, std::size_t n_columns) {
  for (std::size_t k = 0; k < n_k; k += kStretch) {
    const std::size_t n = std::min(kStretch, n_k - k);
    const Stretch stretch = {a.row_step, a.k_step,   b.panel_step,       b.k_step,
                             n,          out_stride, is_score && k == 0, is_score && k + n == n_k};
    multiply_stretch(stretch, a.data + k * a.k_step, b.data + k * b.k_step, out, n_rows, n_columns);
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

void add_products(const ProductRows& a, const ProductPanels& b, std::size_t n_k, float* out, std::size_t out_stride,
                  std::size_t n_rows, std::size_t n_columns) {
  HWY_DYNAMIC_DISPATCH(multiply)(a, b, n_k, false, out, out_stride, n_rows, n_columns);
}

}  // namespace unfold::cpu
#endif
