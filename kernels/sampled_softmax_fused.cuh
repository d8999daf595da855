// Sampled softmax over shared negatives whose scores are never in memory: rows that a block holds against rows that it
// streams, products on tensor cores, the softmax in between in registers. The launcher goes over chunks of queries:
//   bits      which (query, negative) a query's user knows, a bit a pair, by query and by negative
//   queries   queries held, negatives streamed: sums of exponentials relative to a running maximum, and the sums of the
//             negatives' vectors weighted by them
//   combine   puts the parts of a query together: its loss, and its gradients but those of shared negatives
//   items     negatives held, queries streamed: scores again, dL / d score from the query's sums, and the sums of the
//             queries' vectors weighted by it
//   gradient  the parts of a negative's gradient added up, and after the last chunk the losses
// Both passes round their weights to bfloat16, exp(l - maximum so far) or dL / d score, as factors of the second
// product; scores stay float32.
// Shapes    vectors [n_queries or n_shared, stride] rounded, of up to 256 columns; parts of sums [n_parts, rows, kDim]
// Work      a block of four warps holds 64 rows, a warp 16 of them in registers with their sums; 32 or 64 rows come
//           through shared memory at a time, the next ones while these are used. Where rows are few, several blocks
//           share them, each with a part of what is streamed. A pair takes 15 instructions by query and 14 by item in
//           64 columns, 23 and 21 in 128, 34 and 32 in 256, and 3 more by query where dL / d log T is wanted (SASS of
//           sm_90, per thread); of them 2, 4 and 8 multiply matrices
// Traffic   a block reads what it streams once from the second-level cache, 2 * kDim / held rows bytes a pair and pass,
//           and a bit a pair; parts of sums are written and read once, 4 * kDim bytes a row and part
// Races     none; sums in a fixed order for a given number of multiprocessors; bits by integer atomics, which commute
// Requires  rows of vectors aligned to 16 bytes, zeros from dim to stride; known lists ascending and distinct
// Source    Dao et al., FlashAttention, NeurIPS 2022, and FlashAttention-2, ICLR 2024; Milakov and Gimelshein, Online
//           normalizer calculation for softmax, 2018
#pragma once

#include "kernels/held_rows.cuh"
#include "kernels/sampled_softmax.cuh"
#include "kernels/step_sum.cuh"

namespace unfold::cuda {

// A query's sums over a part of its negatives: of weights, and of them times score / T in base 2, in units of the
// highest.
struct QueryPart {
  float high = -INFINITY, sum = 0, by_logit = 0;
};
// What a query's dL / d score come from.
struct QueryScale {
  float base = INFINITY, factor = 0;  // of its sums, QueryTerms::factor
};

inline constexpr unsigned kRowThreads = 128;

// Bits of the chunk's queries, both all 0 before: by_query [n_queries, n_shared], by_item [n_shared, n_queries].
__global__ void __launch_bounds__(kRowThreads)
    known_bits_kernel(const SharedRows negatives, const RowLists known, const Row* users,
                      const std::uint64_t first_query, const std::uint64_t n_queries, const PairBits by_query,
                      const PairBits by_item, std::uint64_t* n_rejected) {
  std::uint64_t n_known = 0;
  for (std::uint64_t q = blockIdx.x; q < n_queries; q += gridDim.x) {
    n_known += visit_known(negatives, known_rows(known, users, first_query + q), [&](std::uint32_t j) {
      atomic_or(by_query.words + q * by_query.stride + j / 32, 1u << j % 32);
      atomic_or(by_item.words + std::uint64_t{j} * by_item.stride + q / 32, 1u << q % 32);
    });
  }
  n_known = block_sum(n_known);
  if (threadIdx.x == 0 && n_known > 0 && n_rejected != nullptr) atomic_add(n_rejected, n_known);
}

// log2 of weights in the place of scores, and the highest of each row, over all lanes that hold it.
template <typename Shape>
__device__ inline void weights_of_tile(const float2* values, float inverse, const TileBits<Shape>& bits,
                                       HeldRows<Shape>& rows, float (&highest)[kLaneRows]) {
  UNFOLD_UNROLL
  for (int n = 0; n < Shape::kColumns / 8; ++n) {
    const float4 offset = values_of_pair(values, n);
    UNFOLD_UNROLL
    for (int j = 0; j < 4; ++j) {
      rows.score[n][j] = fmaf(rows.score[n][j], inverse * kLog2E, j % 2 == 0 ? offset.x : offset.z);
    }
  }
  bits.mask(rows);
  UNFOLD_UNROLL
  for (int r = 0; r < kLaneRows; ++r) {
    UNFOLD_UNROLL
    for (int n = 0; n < Shape::kColumns / 8; ++n) {
      UNFOLD_UNROLL
      for (int j = 0; j < 2; ++j) highest[r] = fmaxf(highest[r], rows.score[n][2 * r + j]);
    }
    highest[r] = group_max<4>(highest[r]);
  }
}

// parts [n_parts, n_queries]; by_logit only where kHasByLogit.
template <typename Shape, bool kHasByLogit>
__global__ void __launch_bounds__(Shape::kThreads)
    fused_queries_kernel(const FusedPass pass, const SoftmaxBatch batch, const SharedNegatives shared,
                         QueryPart* parts) {
  UNFOLD_SHARED_ARRAY(uint4, tile_memory, 2 * Shape::kColumns * Shape::kPitch / 8);
  UNFOLD_SHARED_ARRAY(float4, value_memory, Shape::kColumns);
  const StreamedTiles<Shape> tiles{reinterpret_cast<Bfloat16*>(tile_memory), reinterpret_cast<float2*>(value_memory)};
  const unsigned row_block = blockIdx.x / pass.n_parts, part = blockIdx.x % pass.n_parts;
  const std::uint64_t first = first_held_row<Shape>(row_block);
  const float inverse = inverse_temperature(batch);
  HeldRows<Shape> rows;
  using Sums = NegativeSums<SoftmaxLossKind::kSoftmax>;
  Sums sums[kLaneRows];  // `high` alike in the four lanes that hold a row, and each lane's share of the sums
  load_held(pass.held, first, rows);
  // What log2 of a weight is beyond score / T, and the part of it that is log_count.
  const auto offset_of = [&](std::uint64_t j) {
    if (j >= pass.streamed.rows) return make_float2(-INFINITY, 0);
    const float log_count = shared.log_count == nullptr ? 0.0f : shared.log_count[j];
    const float bias = shared.bias == nullptr ? 0.0f : shared.bias[j];
    return make_float2(log2_weight(bias, log_count, inverse), log_count * kLog2E);
  };
  walk_tiles(pass, part, tiles, offset_of, [&](const Bfloat16* tile, const float2* values, std::uint64_t column) {
    const TileBits<Shape> bits(pass.bits, first, pass.held.rows, column);
    score_tile(tile, rows);
    float highest[kLaneRows];
    UNFOLD_UNROLL
    for (int r = 0; r < kLaneRows; ++r) highest[r] = sums[r].high;
    weights_of_tile(values, inverse, bits, rows, highest);
    UNFOLD_UNROLL
    for (int r = 0; r < kLaneRows; ++r) {
      if (!(highest[r] > sums[r].high)) continue;
      const float factor = sums[r].raise(highest[r]);
      UNFOLD_UNROLL
      for (int d = 0; d < Shape::kDim / 8; ++d) {
        rows.sum[d][2 * r] *= factor;
        rows.sum[d][2 * r + 1] *= factor;
      }
    }
    UNFOLD_UNROLL
    for (int n = 0; n < Shape::kColumns / 8; ++n) {
      const float4 value = values_of_pair(values, n);
      UNFOLD_UNROLL
      for (int r = 0; r < kLaneRows; ++r) {
        UNFOLD_UNROLL
        for (int j = 0; j < 2; ++j) {
          float& score = rows.score[n][2 * r + j];
          const float weight = fast_exp2(score - sums[r].base);
          sums[r].sum[Sums::kWeight] += weight;
          if constexpr (kHasByLogit) {
            add_part(sums[r].sum[Sums::kByInverse], weight, score + (j == 0 ? value.y : value.w));
          }
          score = weight;
        }
      }
    }
    add_tile(tile, rows);
  });
  store_sums(pass, part, first, rows);
  UNFOLD_UNROLL
  for (int r = 0; r < kLaneRows; ++r) {
    const QueryPart of_row{sums[r].high, group_sum<4>(sums[r].sum[Sums::kWeight]),
                           group_sum<4>(sums[r].sum[Sums::kByInverse])};
    const std::uint64_t row = first + 8 * r;
    if (group_lane<4>() == 0 && row < pass.held.rows) parts[part * pass.held.rows + row] = of_row;
  }
}

// The chunk's queries first_query..: losses, gradients and scales [n_queries of the chunk] from parts. A warp a query.
template <typename Shape>
__global__ void __launch_bounds__(kRowThreads)
    combine_queries_kernel(const FusedPass pass, const std::uint64_t first_query, const QueryPart* parts,
                           const SoftmaxBatch batch, const SoftmaxLoss loss, const float scale,
                           const SoftmaxGradients gradients, QueryScale* scales, float* losses) {
  const float inverse = inverse_temperature(batch);
  const std::uint64_t n = pass.held.rows;
  for (std::uint64_t q = group_index<kWarpSize>(); q < n; q += group_count<kWarpSize>()) {
    const std::uint64_t query = first_query + q;
    using Sums = NegativeSums<SoftmaxLossKind::kSoftmax>;
    Sums sums;
    for (unsigned p = 0; p < pass.n_parts; ++p) sums.raise(fmaxf(sums.high, parts[p * n + q].high));
    for (unsigned p = 0; p < pass.n_parts; ++p) {
      const QueryPart& of_part = parts[p * n + q];
      const float factor = fast_exp2(of_part.high - sums.base);
      sums.sum[Sums::kWeight] += factor * of_part.sum;
      sums.sum[Sums::kByInverse] += factor * of_part.by_logit / (inverse * kLog2E);
    }
    const float positive = positive_score(batch, query);
    const float weight = scale * query_weight(batch, loss, query, positive);
    const QueryTerms terms = query_terms(sums, positive, inverse, weight, loss);
    for (unsigned c = group_lane<kWarpSize>(); c < batch.queries.stride; c += kWarpSize) {
      const bool is_used = c < batch.queries.cols;
      float sum = 0;
      for (unsigned p = 0; is_used && p < pass.n_parts; ++p) {
        sum += fast_exp2(parts[p * n + q].high - sums.base) * pass.sums[(p * n + q) * Shape::kDim + c];
      }
      gradients.queries.row(query)[c] =
          is_used ? terms.factor * sum + terms.by_positive * batch.positives.row(query)[c] : 0;
      gradients.positives.row(query)[c] = is_used ? terms.by_positive * batch.queries.row(query)[c] : 0;
    }
    if (group_lane<kWarpSize>() != 0) continue;
    scales[q] = {sums.base, terms.factor};
    losses[query] = terms.loss;
    if (gradients.positive_bias != nullptr) gradients.positive_bias[query] = terms.by_positive;
    if (gradients.log_temperature != nullptr) gradients.log_temperature[query] = terms.by_log_temperature;
  }
}

// scales [n_queries of the chunk]; bias_parts [n_parts, n_shared]
template <typename Shape>
__global__ void __launch_bounds__(Shape::kThreads)
    fused_items_kernel(const FusedPass pass, const SoftmaxBatch batch, const SharedNegatives shared,
                       const QueryScale* scales, float* bias_parts) {
  UNFOLD_SHARED_ARRAY(uint4, tile_memory, 2 * Shape::kColumns * Shape::kPitch / 8);
  UNFOLD_SHARED_ARRAY(float4, value_memory, Shape::kColumns);
  const StreamedTiles<Shape> tiles{reinterpret_cast<Bfloat16*>(tile_memory), reinterpret_cast<float2*>(value_memory)};
  const unsigned row_block = blockIdx.x / pass.n_parts, part = blockIdx.x % pass.n_parts;
  const std::uint64_t first = first_held_row<Shape>(row_block);
  const float inverse = inverse_temperature(batch);
  HeldRows<Shape> rows;
  load_held(pass.held, first, rows);
  float offset[kLaneRows], by_bias[kLaneRows] = {};
  UNFOLD_UNROLL
  for (int r = 0; r < kLaneRows; ++r) {
    const std::uint64_t j = first + 8 * r;
    const float log_count = j < pass.held.rows && shared.log_count != nullptr ? shared.log_count[j] : 0.0f;
    const float bias = j < pass.held.rows && shared.bias != nullptr ? shared.bias[j] : 0.0f;
    offset[r] = log2_weight(bias, log_count, inverse);
  }
  const auto scale_of = [&](std::uint64_t q) {
    const QueryScale scale = q < pass.streamed.rows ? scales[q] : QueryScale{};
    return make_float2(scale.base, scale.factor);
  };
  walk_tiles(pass, part, tiles, scale_of, [&](const Bfloat16* tile, const float2* values, std::uint64_t column) {
    const TileBits<Shape> bits(pass.bits, first, pass.held.rows, column);
    score_tile(tile, rows);
    bits.mask(rows);
    UNFOLD_UNROLL
    for (int n = 0; n < Shape::kColumns / 8; ++n) {
      const float4 value = values_of_pair(values, n);
      UNFOLD_UNROLL
      for (int r = 0; r < kLaneRows; ++r) {
        UNFOLD_UNROLL
        for (int j = 0; j < 2; ++j) {
          float& score = rows.score[n][2 * r + j];
          const float base = j == 0 ? value.x : value.z, factor = j == 0 ? value.y : value.w;
          const float by_score = factor * fast_exp2(fmaf(score, inverse * kLog2E, offset[r]) - base);
          by_bias[r] += by_score;
          score = by_score;
        }
      }
    }
    add_tile(tile, rows);
  });
  store_sums(pass, part, first, rows);
  UNFOLD_UNROLL
  for (int r = 0; r < kLaneRows; ++r) {
    const float sum = group_sum<4>(by_bias[r]);
    const std::uint64_t row = first + 8 * r;
    if (group_lane<4>() == 0 && row < pass.held.rows) bias_parts[part * pass.held.rows + row] = sum;
  }
}

// The gradients of shared negatives from their parts, added to what is there where `adds`; and *sum += the losses by
// the last block, unless `sum` is null.
template <typename Shape>
__global__ void __launch_bounds__(kSumThreads)
    shared_gradient_kernel(const FusedPass pass, const float* bias_parts, const bool adds,
                           const MatrixView<float> gradient, float* bias_gradient, const float* losses,
                           const std::uint64_t n_losses, const StepSum sum) {
  const unsigned n_row_blocks = gridDim.x - (sum.sum != nullptr ? 1 : 0);
  if (blockIdx.x == n_row_blocks) return add_to_step_sum(losses, n_losses, sum);
  const std::uint64_t n = pass.held.rows;
  for (std::uint64_t j = group_index<kWarpSize>(); j < n; j += std::uint64_t{n_row_blocks} * blockDim.x / kWarpSize) {
    for (unsigned c = group_lane<kWarpSize>(); c < gradient.stride; c += kWarpSize) {
      float total = adds ? gradient.row(j)[c] : 0;
      for (unsigned p = 0; c < gradient.cols && p < pass.n_parts; ++p) {
        total += pass.sums[(p * n + j) * Shape::kDim + c];
      }
      gradient.row(j)[c] = total;
    }
    if (bias_gradient == nullptr || group_lane<kWarpSize>() != 0) continue;
    float total = adds ? bias_gradient[j] : 0;
    for (unsigned p = 0; p < pass.n_parts; ++p) total += bias_parts[p * n + j];
    bias_gradient[j] = total;
  }
}

}  // namespace unfold::cuda
