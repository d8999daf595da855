// What a query's negatives add up to, for sampled_softmax: each negative's part, and sums relative to the highest term.
//
// A negative has a weight, kept as its logarithm to the base 2, and a pull of 0 to 1; the loss's gradient by its score
// is a factor of the query times weight times pull:
//   softmax   weight = exp(l_j), pull = 1
//   bpr       weight = 1 / c_j, pull = sigmoid((s_j - s+) / T)
// Weights are taken relative to the highest one, so that no exponential overflows. One that takes no part has a weight
// of zero, by arithmetic alone: its score is -infinity.
#pragma once

#include <cmath>

#include "kernels/simt.cuh"
#include "unfold/softmax_arguments.hpp"

namespace unfold::cuda {

// 1 / T
__device__ inline float inverse_temperature(const SoftmaxBatch& batch) {
  return batch.log_temperature == nullptr ? 1.0f : expf(-*batch.log_temperature);
}

// sum += x y, where no y makes a number of an x of 0: that is a negative which has no part.
__device__ inline void add_part(float& sum, float x, float y) {
  if (x != 0) sum += x * y;
}

inline constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147181f;

// 2^x. On a device one instruction, within two units in the last place (that of exp2f, CUDA C++ Programming Guide,
// mathematical functions): the reference allows four. A result below 2^-126 is 0, and so is a share as small.
__device__ inline float fast_exp2(float x) {
#if defined(__CUDA_ARCH__)
  float out;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
#else
  return exp2f(x);
#endif
}

// Sums of 2^x are in units of 2^base, base being the highest x, or 0 while all are -infinity: so a term is
// fast_exp2(x - base), the highest one exactly 1, and sums in units of their own `high` are multiplied by
// fast_exp2(high - base).
__device__ inline float base_of(float high) { return high == -INFINITY ? 0.0f : high; }

// log2(exp(score / T) / c)
__device__ inline float log2_weight(float score, float log_count, float inverse) {
  return fmaf(score, inverse * kLog2E, -log_count * kLog2E);
}

struct NegativeTerm {
  float log2_weight = -INFINITY;
  float pull = 1;
  float by_inverse = 0;  // d(1 / T) moves the loss by weight * pull * by_inverse
  float loss = 0;        // bpr: log(1 + exp((s_j - s+) / T))
};

// Of a score of -infinity: no part.
template <SoftmaxLossKind kKind>
__device__ inline NegativeTerm negative_term(float score, float log_count, float positive, float inverse) {
  if constexpr (kKind == SoftmaxLossKind::kBpr) {
    const float ahead = score - positive, x = ahead * inverse;
    return {score == -INFINITY ? score : -log_count * kLog2E, sigmoid(x), ahead, softplus(x)};
  } else {
    return {log2_weight(score, log_count, inverse), 1, score, 0};
  }
}

// Sums over negatives, in units of the highest weight of them.
template <SoftmaxLossKind kKind>
struct NegativeSums {
  enum : int { kWeight, kByInverse, kShare, kLoss };
  static constexpr int kCount = kKind == SoftmaxLossKind::kBpr ? 4 : 2;  // softmax: a share is a weight
  bool has_by_inverse = false;                                           // whether that sum is wanted
  float high = -INFINITY, base = 0;
  float sum[kCount] = {};

  // The highest weight rises a few times in a query's list, and sums are scaled then alone. A NaN does not count as
  // the highest: it enters the sums.
  template <int kTerms>
  __device__ inline void add(const NegativeTerm (&terms)[kTerms]) {
    float highest = high;
    UNFOLD_UNROLL
    for (int k = 0; k < kTerms; ++k) highest = fmaxf(highest, terms[k].log2_weight);
    if (highest > high) raise(highest);
    float share[kTerms];
    UNFOLD_UNROLL
    for (int k = 0; k < kTerms; ++k) {
      const float weight = fast_exp2(terms[k].log2_weight - base);
      sum[kWeight] += weight;
      share[k] = weight * terms[k].pull;
      if constexpr (kKind == SoftmaxLossKind::kBpr) {
        sum[kShare] += share[k];
        add_part(sum[kLoss], weight, terms[k].loss);
      }
    }
    if (!has_by_inverse) return;
    UNFOLD_UNROLL
    for (int k = 0; k < kTerms; ++k) add_part(sum[kByInverse], share[k], terms[k].by_inverse);
  }

  // The sums of the whole block, the same in each thread. Called by whole blocks.
  __device__ inline void add_over_block() {
    raise(block_max(high));
    block_sums(sum);
  }

  // Returns what sums beside these are to be multiplied by.
  __device__ inline float raise(float highest) {
    base = base_of(highest);
    const float factor = fast_exp2(high - base);
    UNFOLD_UNROLL
    for (int k = 0; k < kCount; ++k) sum[k] *= factor;
    high = highest;
    return factor;
  }
};

// A query's loss and gradients, all times its weight and the scale of the batch.
struct QueryTerms {
  float loss = 0;
  float by_positive = 0;
  float by_log_temperature = 0;
  float factor = 0;  // dL / d s_j = factor * weight * pull, the weight in units of the highest
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
    const SoftmaxTerms terms = softmax_terms(positive, fmaf(sums.base, kLn2, logf(total)), inverse, loss);
    return {weight * terms.loss, weight * terms.by_positive,
            -inverse * weight * (terms.by_inverse + terms.by_log_sum * by_inverse),
            weight * terms.by_log_sum * inverse * per_total};
  }
}

}  // namespace unfold::cuda
