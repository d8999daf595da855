// What a query's negatives add up to, for sampled_softmax: each negative's part, and sums relative to the highest term.
//
// A negative has a weight and a share, both kept as logarithms; the loss's gradient by its score is its share times a
// factor of the query:
//   softmax   weight = share = exp(l_j)
//   bpr       weight = 1 / c_j, share = sigmoid((s_j - s+) / T) / c_j
// so that no exponential overflows, and a share that was kept says all about its gradient.
#pragma once

#include <cmath>

#include "kernels/simt.cuh"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

// 1 / T
__device__ inline float inverse_temperature(const SoftmaxBatch& batch) {
  return batch.log_temperature == nullptr ? 1.0f : expf(-*batch.log_temperature);
}

// exp(x - high), and 0 where all is -infinity so far.
__device__ inline float relative_exp(float x, float high) { return high == -INFINITY ? 0.0f : expf(x - high); }

// x times y, where no y makes a number of an x of 0: that is a negative which has no part.
__device__ inline float part_of(float x, float y) { return x == 0 ? 0.0f : x * y; }

struct NegativeTerm {
  float log_weight = -INFINITY;
  float log_share = -INFINITY;  // at most log_weight
  float by_inverse = 0;         // d(1 / T) moves the loss by share * by_inverse
  float loss = 0;               // bpr: log(1 + exp((s_j - s+) / T))
};

template <SoftmaxLossKind kKind>
__device__ inline NegativeTerm negative_term(float score, float log_count, float positive, float inverse) {
  if constexpr (kKind == SoftmaxLossKind::kBpr) {
    const float ahead = score - positive;
    const float x = ahead * inverse;
    return {-log_count, -log_count - softplus(-x), ahead, softplus(x)};
  } else {
    const float logit = score * inverse - log_count;
    return {logit, logit, score, 0};
  }
}

// Sums over negatives, times exp(-high), high being the highest log_weight of them.
template <SoftmaxLossKind kKind>
struct NegativeSums {
  enum : int { kWeight, kByInverse, kShare, kLoss };
  static constexpr int kCount = kKind == SoftmaxLossKind::kBpr ? 4 : 2;  // softmax: a share is a weight
  float high = -INFINITY;
  float sum[kCount] = {};

  template <int kTerms>
  __device__ inline void add(const NegativeTerm (&terms)[kTerms]) {
    float highest = high;
    UNFOLD_UNROLL
    for (int k = 0; k < kTerms; ++k) highest = larger_or_nan(highest, terms[k].log_weight);
    raise(highest);
    UNFOLD_UNROLL
    for (int k = 0; k < kTerms; ++k) {
      const float weight = relative_exp(terms[k].log_weight, high);
      sum[kWeight] += weight;
      if constexpr (kKind == SoftmaxLossKind::kBpr) {
        const float share = relative_exp(terms[k].log_share, high);
        sum[kByInverse] += part_of(share, terms[k].by_inverse);
        sum[kShare] += share;
        sum[kLoss] += part_of(weight, terms[k].loss);
      } else {
        sum[kByInverse] += part_of(weight, terms[k].by_inverse);
      }
    }
  }

  // The sums of the whole block, the same in each thread. Called by whole blocks.
  __device__ inline void add_over_block() {
    raise(block_max(high));
    block_sums(sum);
  }

 private:
  __device__ inline void raise(float highest) {
    const float factor = relative_exp(high, highest);
    UNFOLD_UNROLL
    for (int k = 0; k < kCount; ++k) sum[k] *= factor;
    high = highest;
  }
};

// A query's loss and gradients, all times its weight and the scale of the batch.
struct QueryTerms {
  float loss = 0;
  float by_positive = 0;
  float by_log_temperature = 0;
  float factor = 0;  // dL / d s_j = factor * exp(log_share - high)
};

template <SoftmaxLossKind kKind>
__device__ inline QueryTerms query_terms(const NegativeSums<kKind>& sums, float positive, float inverse, float weight,
                                         const SoftmaxLoss& loss) {
  using Sums = NegativeSums<kKind>;
  const float total = sums.sum[Sums::kWeight];
  const float per_total = total == 0 ? 0.0f : 1.0f / total;  // 0 where there is no negative
  const float by_inverse = sums.sum[Sums::kByInverse] * per_total;
  if constexpr (kKind == SoftmaxLossKind::kBpr) {
    const float factor = weight * inverse * per_total;
    return {weight * sums.sum[Sums::kLoss] * per_total, -factor * sums.sum[Sums::kShare],
            -inverse * weight * by_inverse, factor};
  } else {
    const SoftmaxTerms terms = softmax_terms(positive, sums.high + logf(total), inverse, loss);
    return {weight * terms.loss, weight * terms.by_positive,
            -inverse * weight * (terms.by_inverse + terms.by_log_sum * by_inverse),
            weight * terms.by_log_sum * inverse * per_total};
  }
}

}  // namespace unfold::cuda
