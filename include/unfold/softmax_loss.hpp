// Losses of a query's positive item against negatives, and their gradients by score: scalar maths that every
// implementation shares. Scores s are query . item + bias of the item.
//
// A negative j enters as its logit l_j = s_j / T - log c_j, where c_j is how often it is expected among the negatives
// (draws * probability). So exp(l_j), summed over the negatives, has the mean of exp(s_i / T) summed over all items
// that can be drawn: the logQ correction (Yi et al., Sampling-bias-corrected neural modeling, RecSys 2019; Bengio and
// Senecal 2008). With c_j = 1 for every item, all of them negatives, it is the full softmax.
//
//   softmax   L = -s+ / T' + a log Z,   Z = sum_j exp(l_j), or with the positive in the denominator
//                                       Z = exp(s+ / T) + m sum_j exp(l_j)
//             T' = T and a = 1: the (sampled) softmax. T' != T or a != 1: the bilateral softmax loss, BSL, with a
//             temperature of its own for the positive side (Wu et al., BSL, ICDE 2024, eq. 10). a > 1 pushes negatives
//             harder than it pulls positives. m = 1 makes Z that of all items. m = N / number of items makes it that of
//             the positive among N random ones: the loss, and with it the pull, fades once the positive scores higher
//             than most of N would, so small N care for the whole list and large N for its head. (InfoNCE with N
//             negatives, van den Oord et al. 2018, whose gradient this has in the limit of many draws with their
//             mean in place of each N of them.)
//   bpr       L = sum_j w_j log(1 + exp((s_j - s+) / T)) with w_j = (1 / c_j) / sum_k (1 / c_k): all items alike in the
//             mean, whatever they were drawn with (Rendle et al., BPR, UAI 2009, eq. 4)
//
// Where thresholds are given, a positive's loss is multiplied by sigmoid((s+ - b_u) / T_w), b_u being the score of user
// u's K-th best item, and the weight is taken as a constant: positives near or above the top K count, those far below
// fade (Yang et al., SL@K, KDD 2025, eq. 9).
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/host_device.hpp"
#include "unfold/rating_loss.hpp"

namespace unfold {

enum class SoftmaxLossKind : std::uint8_t { kSoftmax, kBpr };

struct SoftmaxLoss {
  SoftmaxLossKind kind = SoftmaxLossKind::kSoftmax;
  float positive_ratio = 1;   // T / T', > 0: the positive's inverse temperature as a multiple of the negatives'
  float negative_weight = 1;  // a, > 0
  bool positive_in_denominator = true;
  float log_denominator_share = 0;  // log m, where the positive is in the denominator
  float weight_temperature = 0;     // T_w, > 0 where thresholds are given
};

// What one query's loss is made of, once log Z is known. `inverse` is 1 / T. Without negatives log_sum is -infinity.
struct SoftmaxTerms {
  float loss = 0;         // unweighted
  float by_positive = 0;  // dL / d s+
  float by_log_sum = 0;   // dL / d log_sum: a negative's dL / d s_j = by_log_sum * exp(l_j - log_sum) * inverse
  float by_inverse = 0;   // the positive's part of dL / d(1 / T): negatives add by_log_sum * sum_j p_j s_j
};

// log(1 + exp(x)) without overflow.
UNFOLD_HOST_DEVICE inline float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

// log_sum = log sum_j exp(l_j) over the negatives alone. With the positive in the denominator, log Z - logit and the
// negatives' share of Z come from the gap of log m + log_sum and logit: near a loss of 0 they keep all their digits.
UNFOLD_HOST_DEVICE inline SoftmaxTerms softmax_terms(float positive_score, float log_sum, float inverse,
                                                     const SoftmaxLoss& loss) {
  SoftmaxTerms out;
  const float logit = positive_score * inverse;
  const float a = loss.negative_weight, ratio = loss.positive_ratio;
  float by_logit = -ratio;
  if (loss.positive_in_denominator) {
    const float gap = log_sum + loss.log_denominator_share - logit;
    out.loss = a * softplus(gap) + (a - ratio) * logit;
    out.by_log_sum = a * sigmoid(gap);
    by_logit = (a - ratio) - out.by_log_sum;
  } else {
    // A query without any negative learns nothing from its positive alone.
    if (log_sum == -INFINITY) return out;
    out.loss = a * log_sum - ratio * logit;
    out.by_log_sum = a;
  }
  out.by_positive = by_logit * inverse;
  out.by_inverse = by_logit * positive_score;
  return out;
}

// The weight of a positive by its distance from the user's threshold.
UNFOLD_HOST_DEVICE inline float positive_weight(float positive_score, float threshold, const SoftmaxLoss& loss) {
  return sigmoid((positive_score - threshold) / loss.weight_temperature);
}

}  // namespace unfold
