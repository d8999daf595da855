// Rows that a block holds in registers against rows that it streams through shared memory: their scores, and sums of
// the streamed rows weighted by what becomes of these, on tensor cores. Both passes of sampled_softmax_fused.cuh.
// Shapes    held and streamed [n, stride], up to kDim columns; sums [n_parts, held rows, kDim]
// Work      a warp holds 16 rows as factors, and their sums; it reads a streamed row twice from shared memory, for 16
//           scores and for adding it to 16 sums
// Traffic   see sampled_softmax_fused.cuh
// Races     none
// Requires  whole warps; rows aligned to 16 bytes, zeros from their columns to the stride
#pragma once

#include "kernels/warp_matrix.cuh"

namespace unfold::cuda {

// How a block of kDim columns is laid out.
template <int kDim_>
struct FusedShape {
  static constexpr int kDim = kDim_;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = kWarps * kWarpSize;
  static constexpr int kRows = kWarps * 16;
  static constexpr int kColumns = kDim <= 64 ? 64 : 32;  // streamed rows in shared memory
  static constexpr int kPitch = kDim + 8;                // so that eight rows of 16 bytes lie on different banks
  static constexpr int kWords = kColumns / 32;           // of bits
};

// A bit a pair: row r, column c is bit c % 32 of words[r * stride + c / 32].
struct PairBits {
  std::uint32_t* words = nullptr;  // null: all 0
  std::uint32_t stride = 0;        // whole tiles of columns
};

// Rows held against rows streamed, and the part of the streamed ones that is a block's.
struct FusedPass {
  MatrixView<const Bfloat16> held = {}, streamed = {};
  PairBits bits = {};
  unsigned n_parts = 1;
  float* sums = nullptr;  // [n_parts, held.rows, kDim]
};

// What a warp holds: its rows as factors, their scores with the streamed ones, and the sums of those.
template <typename Shape>
struct HeldRows {
  std::uint32_t factor[Shape::kDim / 16][4];
  float score[Shape::kColumns / 8][4];
  float sum[Shape::kDim / 8][4];
};

// A lane has a share of two rows, eight apart, and of the columns two of every eight: score[n][2 * r + j] is that of
// row first_held_row + 8 * r and column 8 * n + fragment_column + j, and so with sum.
inline constexpr int kLaneRows = 2;
__device__ inline unsigned fragment_column() { return threadIdx.x % 4 * 2; }
template <typename Shape>
__device__ inline std::uint64_t first_held_row(unsigned row_block) {
  return std::uint64_t{row_block} * Shape::kRows + threadIdx.x / kWarpSize * 16 + threadIdx.x % kWarpSize / 4;
}

template <typename Shape>
__device__ inline void load_held(const MatrixView<const Bfloat16>& held, std::uint64_t first, HeldRows<Shape>& rows) {
  const auto pair = [&](std::uint64_t row, unsigned column) {
    return row < held.rows && column < held.stride ? *reinterpret_cast<const std::uint32_t*>(held.row(row) + column)
                                                   : 0u;
  };
  UNFOLD_UNROLL
  for (int k = 0; k < Shape::kDim / 16; ++k) {
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) {
      rows.factor[k][j] = pair(first + j % 2 * 8, 16 * k + j / 2 * 8 + fragment_column());
    }
  }
  UNFOLD_UNROLL
  for (int d = 0; d < Shape::kDim / 8; ++d) {
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) rows.sum[d][j] = 0;
  }
}

// Streamed rows in shared memory, twice: one is used while the other is filled. With two numbers a row.
template <typename Shape>
struct StreamedTiles {
  Bfloat16* rows;  // [2, kColumns, kPitch]
  float2* values;  // [2, kColumns]

  __device__ inline Bfloat16* tile(unsigned n) const { return rows + n % 2 * (Shape::kColumns * Shape::kPitch); }
  __device__ inline float2* tile_values(unsigned n) const { return values + n % 2 * Shape::kColumns; }
};

template <typename Shape>
__device__ inline void start_tile(AsyncCopies& copies, const MatrixView<const Bfloat16>& streamed, std::uint64_t first,
                                  Bfloat16* tile) {
  constexpr unsigned kPacks = Shape::kDim / 8;  // of 16 bytes, a row
  const std::uint64_t n_left = streamed.rows - first;
  const unsigned n_rows = n_left < Shape::kColumns ? static_cast<unsigned>(n_left) : Shape::kColumns;
  const Bfloat16* const from = streamed.row(first);
  UNFOLD_UNROLL
  for (unsigned n = 0; n < Shape::kColumns * kPacks / Shape::kThreads; ++n) {
    const unsigned place = n * Shape::kThreads + threadIdx.x, row = place / kPacks, column = place % kPacks * 8;
    const bool is_there = row < n_rows && column < streamed.stride;
    copies.start(tile + row * Shape::kPitch + column, from + (is_there ? row * streamed.stride + column : 0), is_there);
  }
}

// rows.score = held rows . tile's rows
template <typename Shape>
__device__ inline void score_tile(const Bfloat16* tile, HeldRows<Shape>& rows) {
  const unsigned lane = threadIdx.x % kWarpSize;
  // Of 16 streamed rows and 16 columns: rows 0..7 with columns 0..7 and 8..15, then rows 8..15.
  const Bfloat16* const mine = tile + (lane / 16 * 8 + lane % 8) * Shape::kPitch + lane / 8 % 2 * 8;
  UNFOLD_UNROLL
  for (int n = 0; n < Shape::kColumns / 8; n += 2) {
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) rows.score[n][j] = rows.score[n + 1][j] = 0;
    UNFOLD_UNROLL
    for (int k = 0; k < Shape::kDim / 16; ++k) {
      std::uint32_t b[4];
      load_matrices<false>(mine + n * 8 * Shape::kPitch + k * 16, b);
      multiply_add(rows.score[n], rows.factor[k], b[0], b[1]);
      multiply_add(rows.score[n + 1], rows.factor[k], b[2], b[3]);
    }
  }
}

// rows.sum += rows.score . tile's rows, scores rounded: what two tiles of eight columns hold of a product is what a
// factor of 16 columns wants.
template <typename Shape>
__device__ inline void add_tile(const Bfloat16* tile, HeldRows<Shape>& rows) {
  const unsigned lane = threadIdx.x % kWarpSize;
  // Of 16 streamed rows and 16 columns: columns 0..7 of rows 0..7 and 8..15, then columns 8..15.
  const Bfloat16* const mine = tile + lane % 16 * Shape::kPitch + lane / 16 * 8;
  UNFOLD_UNROLL
  for (int n = 0; n < Shape::kColumns / 8; n += 2) {
    std::uint32_t a[4];
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float(&scores)[4] = rows.score[n + j / 2];
      a[j] = pack_nearest<Bfloat16>(scores[j % 2 * 2], scores[j % 2 * 2 + 1]);
    }
    UNFOLD_UNROLL
    for (int d = 0; d < Shape::kDim / 8; d += 2) {
      std::uint32_t b[4];
      load_matrices<true>(mine + n * 8 * Shape::kPitch + d * 8, b);
      multiply_add(rows.sum[d], a, b[0], b[1]);
      multiply_add(rows.sum[d + 1], a, b[2], b[3]);
    }
  }
}

// A lane's bits of a tile, by row.
template <typename Shape>
struct TileBits {
  std::uint32_t words[kLaneRows][Shape::kWords];

  __device__ inline TileBits(const PairBits& bits, std::uint64_t first_row, std::uint64_t n_rows,
                             std::uint64_t first_column) {
    UNFOLD_UNROLL
    for (int r = 0; r < kLaneRows; ++r) {
      const std::uint64_t row = first_row + 8 * r;
      UNFOLD_UNROLL
      for (int w = 0; w < Shape::kWords; ++w) {
        words[r][w] = bits.words != nullptr && row < n_rows ? bits.words[row * bits.stride + first_column / 32 + w] : 0;
      }
    }
  }
  // Scores whose bit is set become -infinity. Few are.
  __device__ inline void mask(HeldRows<Shape>& rows) const {
    UNFOLD_UNROLL
    for (int r = 0; r < kLaneRows; ++r) {
      UNFOLD_UNROLL
      for (int w = 0; w < Shape::kWords; ++w) {
        if (words[r][w] == 0) continue;
        UNFOLD_UNROLL
        for (int n = 0; n < 4; ++n) {
          UNFOLD_UNROLL
          for (int j = 0; j < 2; ++j) {
            float& score = rows.score[4 * w + n][2 * r + j];
            if ((words[r][w] >> (8 * n + fragment_column() + j) & 1) != 0) score = -INFINITY;
          }
        }
      }
    }
  }
};

// Goes over the block's part of the streamed rows. values(row) makes the two numbers of a row, or of one past the end;
// use(tile, its values, its first row) is called by whole warps.
template <typename Shape, typename Values, typename Use>
__device__ inline void walk_tiles(const FusedPass& pass, unsigned part, const StreamedTiles<Shape>& tiles,
                                  Values&& values, Use&& use) {
  const std::uint64_t n_tiles = (pass.streamed.rows + Shape::kColumns - 1) / Shape::kColumns;
  const std::uint64_t begin = n_tiles * part / pass.n_parts, end = n_tiles * (part + 1) / pass.n_parts;
  AsyncCopies copies;
  float2 next = {};
  const auto start = [&](std::uint64_t n) {
    if (n >= end) return;
    start_tile<Shape>(copies, pass.streamed, n * Shape::kColumns, tiles.tile(n));
    if (threadIdx.x < Shape::kColumns) next = values(n * Shape::kColumns + threadIdx.x);
  };
  const auto finish = [&](std::uint64_t n) {
    copies.wait();
    if (n < end && threadIdx.x < Shape::kColumns) tiles.tile_values(n)[threadIdx.x] = next;
    __syncthreads();
  };
  start(begin);
  finish(begin);
  for (std::uint64_t n = begin; n < end; ++n) {
    start(n + 1);
    use(tiles.tile(n), tiles.tile_values(n), n * Shape::kColumns);
    finish(n + 1);
  }
}

// The two columns' values of each of the tile's eights: x, y of the first, then of the second.
__device__ inline float4 values_of_pair(const float2* values, int n) {
  return reinterpret_cast<const float4*>(values)[(8 * n + fragment_column()) / 2];
}

template <typename Shape>
__device__ inline void store_sums(const FusedPass& pass, unsigned part, std::uint64_t first,
                                  const HeldRows<Shape>& rows) {
  UNFOLD_UNROLL
  for (int r = 0; r < kLaneRows; ++r) {
    const std::uint64_t row = first + 8 * r;
    if (row >= pass.held.rows) continue;
    float* const out = pass.sums + (part * pass.held.rows + row) * Shape::kDim + fragment_column();
    UNFOLD_UNROLL
    for (int d = 0; d < Shape::kDim / 8; ++d) {
      store_pair(out + 8 * d, rows.sum[d][2 * r], rows.sum[d][2 * r + 1]);
    }
  }
}

}  // namespace unfold::cuda
