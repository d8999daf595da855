// The losses of queries over a positive item, negatives that all queries share and negatives of their own, and the
// gradients (softmax_loss.hpp has the formulas). The launcher walks over tiles of queries; for each
//   product    scores = Q V^T, by cuBLAS
//   queries    masks what a query's user knows, sums its negatives relative to the highest term, and puts dL / d score
//              in the place of each score; writes the loss and all gradients but the products'
//   product    dQ += C V and dV += C^T Q with C = dL / d score, by cuBLAS
//   biases     the columns of C added up
// and before and after the tiles sampled_softmax_own.cuh does what a query's own negatives need beyond their scores.
// Scores and dL / d score are float32, or bfloat16 where SharedNegatives::score_type says so: then the products
// multiply vectors that round_rows.cuh has rounded, and everything is still computed in float32.
// Shapes    tile.scores [n_tile_queries, stride], the rest as in softmax_arguments.hpp; losses [n_queries]
// Work      queries: a block of 32 to 1024 threads a query, four negatives in flight a thread; the logarithms of the
//           first shares are kept in shared memory; biases: a block 32 columns
// Traffic   a score is written and read by the products, read and written once by `queries` (read once more where it is
//           not kept), with 4 to 8 bytes of log_count and bias from the caches; a query reads its known rows
// Races     none; sums in a fixed order, rejected pairs counted by integer atomics, which commute
// Requires  rows of matrices aligned to 16 bytes, all of one stride; known lists ascending and distinct
// Source    Yi et al., RecSys 2019; Wu et al., BSL, ICDE 2024; Milakov and Gimelshein, Online normalizer calculation
//           for softmax, 2018
#pragma once

#include "kernels/known_mask.cuh"
#include "kernels/query_scores.cuh"
#include "kernels/sampled_softmax_own.hpp"
#include "kernels/softmax_sums.cuh"

namespace unfold::cuda {

inline constexpr unsigned kQueryThreads = 1024;  // at most
inline constexpr unsigned kSumThreads = 1024;
// Negatives that a thread looks at together.
inline constexpr int kTermsAThread = 4;
// Logarithms of shares in shared memory at most: 32 KiB, of which a multiprocessor holds several.
inline constexpr std::uint64_t kMaxKeptShares = 8192;

// A tile's queries against all shared negatives.
template <typename Score>
struct SoftmaxTile {
  Score* scores = nullptr;  // then dL / d score
  std::uint64_t stride = 0;
  std::uint64_t first_query = 0, n_queries = 0;
  std::uint64_t n_kept = 0;  // shares in shared memory

  __device__ inline Score* row(std::uint64_t q) const { return scores + q * stride; }
};

// The negatives of a query: its own, or those that all share.
template <typename Score>
struct NegativeList {
  Score* scores = nullptr;  // [n]; a shared one that is masked: -infinity
  std::uint64_t n = 0;
  const float* log_count = nullptr;  // [n] or null
  float log_draws = 0;
  const float* bias = nullptr;  // [n] or null
  const Row* rows = nullptr;    // [n] of its own: kNoRow is no negative; null where scores say so
  float* kept = nullptr;        // [n_kept] logarithms of shares
  std::uint64_t n_kept = 0;

  template <SoftmaxLossKind kKind>
  __device__ inline NegativeTerm term(std::uint64_t j, float positive, float inverse) const {
    if (rows != nullptr && rows[j] == kNoRow) return {};
    const float score = to_float(scores[j]);
    if (rows == nullptr && score == -INFINITY) return {};
    return negative_term<kKind>(bias == nullptr ? score : score + bias[j],
                                log_count == nullptr ? log_draws : log_count[j] + log_draws, positive, inverse);
  }
};

template <typename Score>
__device__ inline NegativeList<Score> list_of_shared(const SharedNegatives& shared, Score* scores, float* kept,
                                                     std::uint64_t n_kept) {
  return {scores, shared.vectors.rows, shared.log_count, 0, shared.bias, nullptr, kept, n_kept};
}

// Of the query whose negatives begin at `first`. Scores hold the bias.
__device__ inline NegativeList<float> list_of_own(const OwnNegatives& own, const OwnScores& scores,
                                                  std::uint64_t first) {
  const float* const log_count = own.log_count == nullptr ? nullptr : own.log_count + first;
  return {scores.scores + first, own.n, log_count, own.log_draws, nullptr, own.rows + first, nullptr, 0};
}

// Adds this thread's share of the list.
template <SoftmaxLossKind kKind, typename Score>
__device__ inline void add_negatives(const NegativeList<Score>& list, float positive, float inverse,
                                     NegativeSums<kKind>& sums) {
  for (std::uint64_t first = threadIdx.x; first < list.n; first += std::uint64_t{blockDim.x} * kTermsAThread) {
    NegativeTerm terms[kTermsAThread];
    UNFOLD_UNROLL
    for (int k = 0; k < kTermsAThread; ++k) {
      const std::uint64_t j = first + std::uint64_t{blockDim.x} * k;
      if (j >= list.n) continue;
      terms[k] = list.template term<kKind>(j, positive, inverse);
      if (j < list.n_kept) list.kept[j] = terms[k].log_share;
    }
    sums.add(terms);
  }
}

// dL / d score in the place of the scores that this thread added, and in bias_gradient [n] unless that is null.
template <SoftmaxLossKind kKind, typename Score>
__device__ inline void write_gradients(const NegativeList<Score>& list, float positive, float inverse, float high,
                                       float factor, float* bias_gradient) {
  UNFOLD_UNROLL_BY(kTermsAThread)
  for (std::uint64_t j = threadIdx.x; j < list.n; j += blockDim.x) {
    const float log_share = j < list.n_kept ? list.kept[j] : list.template term<kKind>(j, positive, inverse).log_share;
    const float by_score = factor * relative_exp(log_share, high);
    list.scores[j] = round_nearest<Score>(by_score);
    if (bias_gradient != nullptr) bias_gradient[j] = by_score;
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
                           const SharedRows negatives, const OwnNegatives own, const OwnScores own_scores,
                           const SoftmaxLoss loss, const float scale, const SoftmaxGradients gradients, float* losses) {
  UNFOLD_DYNAMIC_SHARED(float, kept);
  const float inverse = inverse_temperature(batch);
  std::uint64_t n_rejected = 0;
  for (std::uint64_t q = blockIdx.x; q < tile.n_queries; q += gridDim.x) {
    const std::uint64_t query = tile.first_query + q;
    n_rejected += mark_known(negatives, known_rows(batch.known, batch.users, query), round_nearest<Score>(-INFINITY),
                             tile.row(q));
    __syncthreads();
    const std::uint64_t first_own = query * own.n;
    const NegativeList<Score> shared_list = list_of_shared(shared, tile.row(q), kept, tile.n_kept);
    const NegativeList<float> own_list = list_of_own(own, own_scores, first_own);
    const float positive = positive_score(batch, query);
    NegativeSums<kKind> sums;
    add_negatives(shared_list, positive, inverse, sums);
    add_negatives(own_list, positive, inverse, sums);
    sums.add_over_block();

    const float weight = scale * query_weight(batch, loss, query, positive);
    const QueryTerms terms = query_terms(sums, positive, inverse, weight, loss);
    write_gradients<kKind>(shared_list, positive, inverse, sums.high, terms.factor, nullptr);
    write_gradients<kKind>(own_list, positive, inverse, sums.high, terms.factor,
                           gradients.own_bias == nullptr ? nullptr : gradients.own_bias + first_own);
    const float own_high = own.n > 0 ? own_scores.highs[query] : -INFINITY;
    write_vectors(batch, gradients, query, terms.by_positive, own.n > 0,
                  terms.factor * relative_exp(own_high, sums.high));
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
__global__ void __launch_bounds__(kSumThreads)
    shared_bias_kernel(const SoftmaxTile<Score> tile, const std::uint64_t n, float* gradient) {
  constexpr unsigned kPitch = kWarpSize + 1;  // no two lanes on a bank, by row as by column
  UNFOLD_SHARED_ARRAY(float, sums, kWarpSize* kPitch);
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  for (std::uint64_t first = std::uint64_t{blockIdx.x} * kWarpSize; first < n;
       first += std::uint64_t{gridDim.x} * kWarpSize) {
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

// sum += losses[0] + ... + losses[n - 1], by one block.
__global__ void __launch_bounds__(kSumThreads)
    sum_losses_kernel(const float* losses, const std::uint64_t n, const StepSum sum) {
  double total = 0;
  for (std::uint64_t k = threadIdx.x; k < n; k += blockDim.x) total += losses[k];
  total = block_sum(total);
  if (threadIdx.x == 0) *sum.place() += total;
}

}  // namespace unfold::cuda
