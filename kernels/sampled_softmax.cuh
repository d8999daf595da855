// The losses of queries over a positive item, negatives that all queries share and negatives of their own, and the
// gradients (softmax_loss.hpp has the formulas). The launcher walks over tiles of queries; for each
//   product    scores = Q V^T, by cuBLAS
//   queries    masks what a query's user knows, sums its negatives relative to the highest term, and puts dL / d score
//              in the place of each score; writes the loss and all gradients but the products'
//   product    dQ += C V and dV += C^T Q with C = dL / d score, by cuBLAS
//   sums       the columns of C added up for the biases, and after the last tile the queries' losses
// and before and after the tiles sampled_softmax_own.cuh does what a query's own negatives need beyond their scores.
// Scores and dL / d score are float32, or bfloat16 where SharedNegatives::score_type says so: then the products
// multiply vectors that round_rows.cuh has rounded, and everything is still computed in float32.
// Shapes    tile.scores [n_tile_queries, stride], the rest as in softmax_arguments.hpp; losses [n_queries]
// Work      queries: a block of 32 to 1024 threads a query, 16 bytes of scores at a time in a thread. A pair takes 13
//           instructions to add and 11 to write in bfloat16, 16 and 13 in float32, with log_count and bias, and 2 more
//           to add where dL / d log T is wanted (SASS of sm_90, per thread); bpr 80 and 41, 84 and 44. The running
//           maximum is one comparison a pair and eleven instructions a pack of them, so that nothing need be known of
//           the scores. A share is computed again where it is written: kept in shared memory it would save four
//           instructions, and take a store, a load and 4 bytes. Sums: a block 32 columns, and one block the losses
// Traffic   a score is written and read by the products, and read twice and written once by `queries`, the second time
//           from the first-level cache where the query's scores fit: 4 bytes in bfloat16, 8 in float32, with 8 to 16
//           bytes of log_count and bias from the caches; a query reads its known rows
// Races     none; sums in a fixed order, rejected pairs counted by integer atomics, which commute
// Requires  rows of matrices aligned to 16 bytes, all of one stride; known lists ascending and distinct
// Source    Yi et al., RecSys 2019; Wu et al., BSL, ICDE 2024; Milakov and Gimelshein, Online normalizer calculation
//           for softmax, 2018
#pragma once

#include "kernels/known_mask.cuh"
#include "kernels/query_scores.cuh"
#include "kernels/sampled_softmax_own.hpp"
#include "kernels/softmax_sums.cuh"
#include "kernels/step_sum.cuh"

namespace unfold::cuda {

inline constexpr unsigned kQueryThreads = 1024;  // at most
inline constexpr unsigned kSumThreads = 1024;

// A tile's queries against all shared negatives.
template <typename Score>
struct SoftmaxTile {
  Score* scores = nullptr;  // then dL / d score
  std::uint64_t stride = 0;
  std::uint64_t first_query = 0, n_queries = 0;

  __device__ inline Score* row(std::uint64_t q) const { return scores + q * stride; }
};

// Negatives of a query, and how a thread walks over them: kPack at a time, from first() on. Of those that all queries
// share, in accesses of 16 bytes:
template <typename Score>
struct NegativePacks {
  static constexpr int kPack = 16 / sizeof(Score);
  Score* scores = nullptr;           // [n] without biases; a masked one: -infinity
  std::uint64_t n = 0;               // whole packs
  const float* log_count = nullptr;  // [n] or null
  const float* bias = nullptr;       // [n] or null

  __device__ static inline std::uint64_t first() { return std::uint64_t{threadIdx.x} * kPack; }
  __device__ inline void load(std::uint64_t first, float (&score)[kPack], float (&count)[kPack]) const {
    load_pack(scores + first, score);
    if (bias != nullptr) {
      float by_item[kPack];
      load_pack(bias + first, by_item);
      UNFOLD_UNROLL
      for (int k = 0; k < kPack; ++k) score[k] += by_item[k];
    }
    UNFOLD_UNROLL
    for (int k = 0; k < kPack; ++k) count[k] = 0;
    if (log_count != nullptr) load_pack(log_count + first, count);
  }
  __device__ inline void store(std::uint64_t first, const float (&by_score)[kPack]) const {
    store_nearest(scores + first, by_score);
  }
};

// Any, a block's width apart.
template <typename Score>
struct NegativeList {
  static constexpr int kPack = 4;
  Score* scores = nullptr;  // [n]
  std::uint64_t n = 0;
  const float* log_count = nullptr;  // [n] or null
  float log_draws = 0;
  const float* bias = nullptr;     // [n] or null
  const Row* rows = nullptr;       // [n], where kNoRow is no negative; or null
  float* bias_gradient = nullptr;  // [n] or null

  __device__ static inline std::uint64_t first() { return threadIdx.x; }
  __device__ inline void load(std::uint64_t first, float (&score)[kPack], float (&count)[kPack]) const {
    UNFOLD_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const std::uint64_t j = first + std::uint64_t{blockDim.x} * k;
      const bool is_one = j < n && (rows == nullptr || rows[j] != kNoRow);
      score[k] = is_one ? to_float(scores[j]) : -INFINITY;
      if (is_one && bias != nullptr) score[k] += bias[j];
      count[k] = log_draws + (is_one && log_count != nullptr ? log_count[j] : 0.0f);
    }
  }
  __device__ inline void store(std::uint64_t first, const float (&by_score)[kPack]) const {
    UNFOLD_UNROLL
    for (int k = 0; k < kPack; ++k) {
      const std::uint64_t j = first + std::uint64_t{blockDim.x} * k;
      if (j >= n) continue;
      scores[j] = round_nearest<Score>(by_score[k]);
      if (bias_gradient != nullptr) bias_gradient[j] = by_score[k];
    }
  }
};

// All negatives of a query: the shared ones in whole packs, their rest, and its own. Of shared ones that are not
// aligned to 16 bytes all are the rest.
template <typename Score>
struct QueryNegatives {
  NegativePacks<Score> packs;
  NegativeList<Score> rest;
  NegativeList<float> own;

  __device__ inline QueryNegatives(const SharedNegatives& shared, Score* scores, const OwnNegatives& own_negatives,
                                   const OwnScores& own_scores, float* own_bias, std::uint64_t query) {
    constexpr std::uint64_t kPack = NegativePacks<Score>::kPack;
    const std::uint64_t n = shared.vectors.rows, first_own = query * own_negatives.n;
    const auto addresses =
        reinterpret_cast<std::uintptr_t>(shared.log_count) | reinterpret_cast<std::uintptr_t>(shared.bias);
    const auto from = [](auto* array, std::uint64_t at) { return array == nullptr ? array : array + at; };
    packs = {scores, addresses % 16 == 0 ? n / kPack * kPack : 0, shared.log_count, shared.bias};
    rest = {scores + packs.n, n - packs.n, from(shared.log_count, packs.n), 0, from(shared.bias, packs.n)};
    own = {own_scores.scores + first_own, own_negatives.n, from(own_negatives.log_count, first_own),
           own_negatives.log_draws,       nullptr,         own_negatives.rows + first_own,
           from(own_bias, first_own)};
  }
};

// Adds this thread's negatives.
template <SoftmaxLossKind kKind, typename List>
__device__ inline void add_negatives(const List& list, float positive, float inverse, NegativeSums<kKind>& sums) {
  for (std::uint64_t first = list.first(); first < list.n; first += std::uint64_t{blockDim.x} * List::kPack) {
    float score[List::kPack], log_count[List::kPack];
    list.load(first, score, log_count);
    NegativeTerm terms[List::kPack];
    UNFOLD_UNROLL
    for (int k = 0; k < List::kPack; ++k) {
      terms[k] = negative_term<kKind>(score[k], log_count[k], positive, inverse);
    }
    sums.add(terms);
  }
}

// dL / d score in the place of the scores that this thread added.
template <SoftmaxLossKind kKind, typename List>
__device__ inline void write_gradients(const List& list, float positive, float inverse, float base, float factor) {
  for (std::uint64_t first = list.first(); first < list.n; first += std::uint64_t{blockDim.x} * List::kPack) {
    float score[List::kPack], log_count[List::kPack];
    list.load(first, score, log_count);
    UNFOLD_UNROLL
    for (int k = 0; k < List::kPack; ++k) {
      const NegativeTerm term = negative_term<kKind>(score[k], log_count[k], positive, inverse);
      score[k] = factor * term.pull * fast_exp2(term.log2_weight - base);
    }
    list.store(first, score);
  }
}

// The gradients by a query's vector, which holds the sum of its own negatives' vectors, and by its positive's.
__device__ inline void write_vectors(const SoftmaxBatch& batch, const SoftmaxGradients& gradients, std::uint64_t query,
                                     float by_positive, bool has_own, float own_factor) {
  const unsigned stride = batch.queries.stride;
  const float* const q = batch.queries.row(query);
  const float* const p = batch.positives.row(query);
  float* const by_q = gradients.queries.row(query);
  float* const by_p = gradients.positives.row(query);
  for (unsigned c = threadIdx.x; c < stride; c += blockDim.x) {
    const bool is_used = c < batch.queries.cols;
    const float own = is_used && has_own ? own_factor * by_q[c] : 0;
    by_q[c] = is_used ? own + by_positive * p[c] : 0;
    by_p[c] = is_used ? by_positive * q[c] : 0;
  }
}

// A query's part of `scale`.
__device__ inline float query_weight(const SoftmaxBatch& batch, const SoftmaxLoss& loss, std::uint64_t query,
                                     float positive) {
  const float weight = batch.weights == nullptr ? 1.0f : batch.weights[query];
  if (batch.thresholds == nullptr) return weight;
  return weight * positive_weight(positive, batch.thresholds[batch.users[query] * batch.threshold_stride], loss);
}

template <SoftmaxLossKind kKind, typename Score>
__global__ void __launch_bounds__(kQueryThreads)
    softmax_queries_kernel(const SoftmaxTile<Score> tile, const SoftmaxBatch batch, const SharedNegatives shared,
                           const SharedRows shared_rows, const OwnNegatives own, const OwnScores own_scores,
                           const SoftmaxLoss loss, const float scale, const SoftmaxGradients gradients, float* losses) {
  const float inverse = inverse_temperature(batch);
  std::uint64_t n_rejected = 0;
  for (std::uint64_t q = blockIdx.x; q < tile.n_queries; q += gridDim.x) {
    const std::uint64_t query = tile.first_query + q;
    const QueryNegatives<Score> negatives(shared, tile.row(q), own, own_scores, gradients.own_bias, query);
    n_rejected += mark_known(shared_rows, known_rows(batch.known, batch.users, query), round_nearest<Score>(-INFINITY),
                             tile.row(q));
    __syncthreads();
    const float positive = positive_score(batch, query);
    NegativeSums<kKind> sums{.has_by_inverse = gradients.log_temperature != nullptr};
    add_negatives(negatives.packs, positive, inverse, sums);
    add_negatives(negatives.rest, positive, inverse, sums);
    add_negatives(negatives.own, positive, inverse, sums);
    sums.add_over_block();

    const float weight = scale * query_weight(batch, loss, query, positive);
    const QueryTerms terms = query_terms(sums, positive, inverse, weight, loss);
    write_gradients<kKind>(negatives.packs, positive, inverse, sums.base, terms.factor);
    write_gradients<kKind>(negatives.rest, positive, inverse, sums.base, terms.factor);
    write_gradients<kKind>(negatives.own, positive, inverse, sums.base, terms.factor);
    const float own_high = own.n > 0 ? own_scores.highs[query] : -INFINITY;
    write_vectors(batch, gradients, query, terms.by_positive, own.n > 0,
                  terms.factor * fast_exp2(own_high - sums.base));
    if (threadIdx.x == 0) {
      losses[query] = terms.loss;
      if (gradients.positive_bias != nullptr) gradients.positive_bias[query] = terms.by_positive;
      if (gradients.log_temperature != nullptr) gradients.log_temperature[query] = terms.by_log_temperature;
    }
  }
  const std::uint64_t block_rejected = block_sum(n_rejected);
  if (threadIdx.x == 0 && block_rejected > 0 && gradients.n_rejected != nullptr) {
    atomic_add(gradients.n_rejected, block_rejected);
  }
}

// gradient[j] = sum over the tile's queries of dL / d score, added to that of the tiles before.
template <typename Score>
__device__ inline void sum_columns(const SoftmaxTile<Score>& tile, std::uint64_t n, unsigned n_blocks,
                                   float* gradient) {
  constexpr unsigned kPitch = kWarpSize + 1;  // no two lanes on a bank, by row as by column
  UNFOLD_SHARED_ARRAY(float, sums, kWarpSize* kPitch);
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  for (std::uint64_t first = std::uint64_t{blockIdx.x} * kWarpSize; first < n;
       first += std::uint64_t{n_blocks} * kWarpSize) {
    float sum = 0;
    if (first + lane < n) {
      UNFOLD_UNROLL_BY(4)
      for (std::uint64_t q = warp; q < tile.n_queries; q += kWarpSize) sum += to_float(tile.row(q)[first + lane]);
    }
    sums[warp * kPitch + lane] = sum;
    __syncthreads();
    const float total = group_sum<kWarpSize>(sums[lane * kPitch + warp]);
    if (lane == 0 && first + warp < n) {
      const float before = tile.first_query == 0 ? 0 : gradient[first + warp];
      gradient[first + warp] = before + total;
    }
    __syncthreads();  // sums are read before the next ones are written
  }
}

// The bias gradient from the tile's columns; and the losses' sum by the last block, unless `sum` has no place.
template <typename Score>
__global__ void __launch_bounds__(kSumThreads)
    softmax_sums_kernel(const SoftmaxTile<Score> tile, const std::uint64_t n_shared, float* bias_gradient,
                        const float* losses, const std::uint64_t n_losses, const StepSum sum) {
  const unsigned n_column_blocks = gridDim.x - (sum.sum != nullptr ? 1 : 0);
  if (blockIdx.x < n_column_blocks) return sum_columns(tile, n_shared, n_column_blocks, bias_gradient);
  add_to_step_sum(losses, n_losses, sum);
}

}  // namespace unfold::cuda
