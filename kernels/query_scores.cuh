// Scores of a query of SoftmaxBatch with its positive item, and with rows of a table that are its alone.
#pragma once

#include "kernels/row_slice.cuh"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

// query . positive + bias, the same bits in each thread. Called by whole warps, each of which adds it up for itself.
__device__ inline float positive_score(const SoftmaxBatch& batch, std::uint64_t query) {
  constexpr int kPack = 4;
  const float* const q = batch.queries.row(query);
  const float* const p = batch.positives.row(query);
  float sum = 0;
  for (unsigned c = kPack * group_lane<kWarpSize>(); c < batch.queries.cols; c += kPack * kWarpSize) {
    float a[kPack], b[kPack];
    load_pack<kPack>(q + c, a);
    load_pack<kPack>(p + c, b);
    UNFOLD_UNROLL
    for (int j = 0; j < kPack; ++j) sum += a[j] * b[j];
  }
  sum = group_sum<kWarpSize>(sum);
  return batch.positive_bias == nullptr ? sum : sum + batch.positive_bias[query];
}

// Rows of a table that a group holds at once: as many as hide the memory's latency in few registers.
template <typename Shape>
inline constexpr int kRowsInFlight = Shape::kFloats >= 32 ? 1 : 32 / Shape::kFloats;

// The vector of a row, not yet multiplied by `scale`: 1 / its length where vectors are normalized, else 1; and its
// score with a query, without bias.
template <typename Shape>
struct ScoredRow {
  RowSlice<Shape> row;
  float scale, score;
};

// Loads rows ids[0 .. kCount) and scores them. kNoRow is a row of zeros. Called by whole warps.
template <typename Shape, typename Element, int kCount>
__device__ inline void score_rows(const MatrixView<const Element>& table, const Row (&ids)[kCount], bool normalize,
                                  const RowSlice<Shape>& query, ScoredRow<Shape> (&out)[kCount]) {
  const unsigned n_packs = pack_count<Shape>(table.cols);
  UNFOLD_UNROLL
  for (int k = 0; k < kCount; ++k) {
    const bool is_row = ids[k] != kNoRow;
    out[k].row = load_row<Shape>(is_row ? table.row(ids[k]) : nullptr, is_row ? n_packs : 0);
  }
  UNFOLD_UNROLL
  for (int k = 0; k < kCount; ++k) {
    out[k].scale = 1;
    if (normalize) out[k].scale = inverse_length(group_sum<Shape::kWidth>(dot_share(out[k].row, out[k].row)));
    out[k].score = group_sum<Shape::kWidth>(dot_share(query, out[k].row)) * out[k].scale;
  }
}

// A row of a matrix with zeros from the slice's end to the stride.
template <typename Shape>
__device__ inline void store_padded_row(const MatrixView<float>& out, std::uint64_t n, const RowSlice<Shape>& slice) {
  const unsigned row_packs = pack_count<Shape>(out.cols);
  store_row(out.row(n), slice, row_packs);
  const unsigned stride_packs = out.stride / Shape::kPack;
  for (unsigned pack = row_packs + group_lane<Shape::kWidth>(); pack < stride_packs; pack += Shape::kWidth) {
    store_pack<Shape::kPack>(out.row(n) + pack * Shape::kPack, {});
  }
}

}  // namespace unfold::cuda
