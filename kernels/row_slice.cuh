// A table row spread over the lanes of a group, in registers: what kernels that hold whole rows share.
#pragma once

#include "kernels/simt.cuh"
#include "unfold/optimizer.hpp"

namespace unfold::cuda {

// kWidth lanes own a row; each holds kPacks packs of kPack columns: packs lane, lane + kWidth, ... So neighbouring
// lanes touch neighbouring addresses. Rows have up to kWidth * kPacks packs. Packs are one 16-byte access of the table:
// 4 of float32, 8 of 16 bits.
template <int kWidth_, int kPacks_, int kPack_>
struct RowShape {
  static constexpr int kWidth = kWidth_;
  static constexpr int kPacks = kPacks_;
  static constexpr int kPack = kPack_;
  static constexpr int kFloats = kPacks * kPack;  // a lane's registers for a row
};

// A row of one float (a bias), owned by one lane.
using ScalarShape = RowShape<1, 1, 1>;

template <typename Shape>
struct RowSlice {
  float v[Shape::kPacks][Shape::kPack];
};

// Packs that hold `cols` columns. The columns that fill up the last one are zero in tables and stay so.
template <typename Shape>
__device__ inline unsigned pack_count(std::uint32_t cols) {
  return (cols + Shape::kPack - 1) / Shape::kPack;
}

// In these, n_packs = 0 stands for "no row": nothing is read or written, and the slice is zero.

template <typename Shape, LoadKind kLoad = LoadKind::kAnyCache, typename Element>
__device__ inline RowSlice<Shape> load_row(const Element* row, unsigned n_packs) {
  RowSlice<Shape> slice;
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
    if (pack < n_packs) {
      load_pack<Shape::kPack, kLoad>(row + pack * Shape::kPack, slice.v[k]);
    } else {
      UNFOLD_UNROLL
      for (int j = 0; j < Shape::kPack; ++j) slice.v[k][j] = 0;
    }
  }
  return slice;
}

template <typename Shape>
__device__ inline void store_row(float* row, const RowSlice<Shape>& slice, unsigned n_packs) {
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
    if (pack < n_packs) store_pack<Shape::kPack>(row + pack * Shape::kPack, slice.v[k]);
  }
}

// The random bits of a row's rounding (rounding_bits of optimizer.hpp): of(k) are those of the lane's pack k, drawn
// when they are asked for.
template <typename Shape>
struct RowRandom {
  std::uint64_t key = 0, place = 0;

  __device__ inline RandomBlock of(int k) const {
    return rounding_bits(key, place, group_lane<Shape::kWidth>() + k * Shape::kWidth);
  }
};

// Those of the two rows with places 2 * number and 2 * number + 1, drawn once for both; none for float32.
template <typename Element, typename Shape>
struct RowPairRandom {
  RandomBlock packs[sizeof(Element) == 2 ? Shape::kPacks : 1];

  __device__ inline RowPairRandom(std::uint64_t key, std::uint64_t number) {
    if constexpr (sizeof(Element) == 2) {
      UNFOLD_UNROLL
      for (int k = 0; k < Shape::kPacks; ++k) packs[k] = RowRandom<Shape>{key, 2 * number}.of(k);
    }
  }

  struct Even {
    const RowPairRandom& pair;
    __device__ inline RandomBlock of(int k) const { return pair.packs[k]; }
  };
  struct Odd {
    const RowPairRandom& pair;
    __device__ inline RandomBlock of(int k) const { return odd_place_bits(pair.packs[k]); }
  };
};

// A row of a table: rounded stochastically where its elements have 16 bits, with the bits random.of(pack).
template <typename Shape, typename Element, typename Random>
__device__ inline void store_row(Element* row, const RowSlice<Shape>& slice, unsigned n_packs, const Random& random) {
  if constexpr (sizeof(Element) == sizeof(float)) {
    store_row(row, slice, n_packs);
  } else {
    UNFOLD_UNROLL
    for (int k = 0; k < Shape::kPacks; ++k) {
      const unsigned pack = group_lane<Shape::kWidth>() + k * Shape::kWidth;
      if (pack < n_packs) store_pack(row + pack * Shape::kPack, slice.v[k], random.of(k));
    }
  }
}

// The lane's share of a.b.
template <typename Shape>
__device__ inline float dot_share(const RowSlice<Shape>& a, const RowSlice<Shape>& b) {
  float sum = 0;
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) sum += a.v[k][j] * b.v[k][j];
  }
  return sum;
}

// alpha * a + beta * b
template <typename Shape>
__device__ inline RowSlice<Shape> combine(float alpha, const RowSlice<Shape>& a, float beta, const RowSlice<Shape>& b) {
  RowSlice<Shape> out;
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) out.v[k][j] = alpha * a.v[k][j] + beta * b.v[k][j];
  }
  return out;
}

template <typename Shape>
__device__ inline void add_to(RowSlice<Shape>& sum, const RowSlice<Shape>& row) {
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) sum.v[k][j] += row.v[k][j];
  }
}

// sum += weight * row
template <typename Shape>
__device__ inline void add_weighted(RowSlice<Shape>& sum, float weight, const RowSlice<Shape>& row) {
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) sum.v[k][j] += weight * row.v[k][j];
  }
}

template <typename Shape>
__device__ inline RowSlice<Shape> scaled(float factor, const RowSlice<Shape>& row) {
  RowSlice<Shape> out;
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kPacks; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < Shape::kPack; ++j) out.v[k][j] = factor * row.v[k][j];
  }
  return out;
}

}  // namespace unfold::cuda
