// What the retrieval ops take: how rows become vectors, negatives, and how hard ones are chosen.
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/matrix_view.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/random.hpp"
#include "unfold/softmax_loss.hpp"
#include "unfold/step_variables.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

// How a looked-up row becomes the vector that is scored, in this order.
struct RowTransform {
  float dropout = 0;           // each element is 0 with this probability, else divided by 1 - dropout; [0, 1)
  RandomKey dropout_key = {};  // element (n, c) takes the 32 bits dropout_bits(key, n, c)
  bool normalize = false;      // divided by its length: scores are cosines. A row of zeros stays zero.
  float l2 = 0;                // the gradient is that of the loss plus l2/2 |vector|^2 for each vector; >= 0
};

// Kept where uniform_float(bits) >= dropout. A block of four numbers serves four columns.
UNFOLD_HOST_DEVICE inline RandomBlock dropout_block(const RandomKey& key, std::uint64_t n, std::uint32_t block) {
  return philox(key.seed, key.first_position + n,
                (static_cast<std::uint64_t>(RandomPurpose::kDropout) << 32 | key.step) ^
                    (static_cast<std::uint64_t>(block) << 40));
}
UNFOLD_HOST_DEVICE inline std::uint32_t dropout_bits(const RandomKey& key, std::uint64_t n, std::uint32_t column) {
  return dropout_block(key, n, column / 4).v[column % 4];
}

// 1 / length, and 0 for a row of zeros.
UNFOLD_HOST_DEVICE inline float inverse_length(float squared_length) {
  return squared_length > 0 ? 1.0f / sqrtf(squared_length) : 0.0f;
}

inline constexpr std::uint32_t kMaxFusedDim = 256;

// Negatives that all queries of a batch share: scoring them is a matrix product.
struct SharedNegatives {
  MatrixView<const float> vectors = {};  // [n, dim], transformed
  const Row* rows = nullptr;             // [n], any order, may repeat
  // The rows of a batch that these are part of, from place first_sorted of it on. Needed where queries know items.
  SortedRows sorted = {};
  std::uint64_t first_sorted = 0;
  const float* log_count = nullptr;  // [n] log c_j of softmax_loss.hpp; null: all 0
  const float* bias = nullptr;       // [n] or null
  // kBfloat16: a backend may round to bfloat16, to nearest even, what the products of queries with shared negatives
  // multiply and make: the vectors of both, the scores and dL / d score. Every sum is float32, and so are own
  // negatives, positives, losses and all gradients by vectors and biases. The CPU rounds what it multiplies, vectors
  // and dL / d score, and keeps scores in float32: they stay in the caches. It does so on every processor, so that all
  // give the same up to the order of float32 sums and to numbers below the least normal one, which AMX and AVX512_BF16,
  // used where there is one, take for zero. kFloat16 is refused: dL / d score falls below its range.
  TableType score_type = TableType::kFloat32;
  // With kBfloat16: a backend may compute scores where they are used, on tensor cores and not rounded, and keep none of
  // them: less memory and traffic where negatives are many. What is rounded for the gradient of a query are then the
  // vectors and exp(score - the largest so far), for that of a negative the vectors and dL / d score. CUDA does so for
  // losses of kSoftmax in up to kMaxFusedDim columns, without own negatives, and ignores it otherwise, as the CPU does.
  bool fused = false;
  std::uint64_t n() const { return vectors.rows; }
};

// Negatives of each query's own, read from the table.
struct OwnNegatives {
  ConstTableView table = {};         // [n_items, dim]
  bool normalize = false;            // as RowTransform::normalize
  const Row* rows = nullptr;         // [n_queries, n]; kNoRow: no negative
  const float* log_count = nullptr;  // [n_queries, n], or null: all 0
  float log_draws = 0;               // added to every log_count
  const float* item_bias = nullptr;  // [n_items] or null
  std::uint32_t n = 0;
};

// A batch of queries, each with one positive item.
struct SoftmaxBatch {
  MatrixView<const float> queries = {};    // [n_queries, dim], transformed
  MatrixView<const float> positives = {};  // [n_queries, dim], transformed, stride of queries
  const float* positive_bias = nullptr;    // [n_queries] or null
  const float* weights = nullptr;          // [n_queries] multiply the queries' losses, or null: each 1
  const Row* users = nullptr;              // [n_queries] whose lists of `known` (and thresholds) apply
  RowLists known = {};                     // items that are no negatives of a user; null offsets: none
  const float* log_temperature = nullptr;  // [1] log T
  const float* thresholds = nullptr;       // b_u at thresholds[users[b] * threshold_stride], or null
  std::uint64_t threshold_stride = 1;
};

// Where the op writes; all of it is written, nothing is added to but the two sums.
struct SoftmaxGradients {
  MatrixView<float> queries = {};       // [n_queries, dim]
  MatrixView<float> positives = {};     // [n_queries, dim]
  MatrixView<float> shared = {};        // [shared.n, dim] by the transformed vectors; no data where there are none
  MatrixView<float> own = {};           // [n_queries * own.n, dim] by the table's rows, normalization included
  float* positive_bias = nullptr;       // [n_queries] or null
  float* shared_bias = nullptr;         // [shared.n] or null
  float* own_bias = nullptr;            // [n_queries * own.n] or null
  float* log_temperature = nullptr;     // [n_queries] each query's part of dL / d log T, or null
  StepSum loss = {};                    // += sum of the queries' losses times `scale`, in a fixed order
  std::uint64_t* n_rejected = nullptr;  // += shared negatives left out because a query knows them
};

enum class HardnessKind : std::uint8_t {
  kHardest,        // key = s: the highest scores (dynamic negative sampling, DNS(M, N): Shi et al., WWW 2023)
  kScoreWeighted,  // key = s / T + Gumbel noise: M of N without replacement, the first with probability ~ exp(s / T)
                   // (Gumbel-top-k: Kool et al., ICML 2019)
  kAdaptive,       // key = -|s - target|, target = b (s+ + a)^(p + 1): the higher the positive's score, the easier the
                   // negative (AHNS: Lai et al., AAAI 2024), a guard against false negatives. s+ + a below 0 counts
                   // as 0.
};

struct Hardness {
  HardnessKind kind = HardnessKind::kHardest;
  std::uint32_t n_kept = 1;                  // M
  float temperature = 1;                     // T of kScoreWeighted, > 0
  float alpha = 1, beta = 0.1f, power = -2;  // a, b and p of kAdaptive
  RandomKey key = {};                        // candidate j of query b takes selection_block(key, b * n + j)
};

// The candidates that hard negatives are chosen from: shared by all queries, each query's own, or its user's.
struct CandidatePool {
  const Row* rows = nullptr;             // see below
  const float* log_count = nullptr;      // as rows, or null: all 0
  float log_draws = 0;                   // added to every log_count
  std::uint32_t n = 0;                   // N, at most kMaxCandidates
  MatrixView<const float> vectors = {};  // shared: [n, dim], transformed; then rows is [n], and bias [n] or null
  const float* bias = nullptr;
  // Not shared (no vectors): each query's candidates are rows of a table.
  ConstTableView table = {};         // [n_items, dim]
  bool normalize = false;            // whether its rows are scored at length 1
  const float* item_bias = nullptr;  // [n_items] or null
  std::uint64_t row_stride = 0;      // query b's begin at rows[b * row_stride], or, with lists,
  const Row* lists = nullptr;        // [n_queries], at rows[lists[b] * row_stride]
};

inline constexpr std::uint32_t kMaxCandidates = 4096;

UNFOLD_HOST_DEVICE inline RandomBlock selection_block(const RandomKey& key, std::uint64_t place) {
  return random_block(key.seed, RandomPurpose::kSelection, key.step, key.first_position + place);
}
// -log(-log(u)) for u uniform in (0, 1): the middle of one of 2^23 steps, because with a bit more the last would round
// to 1, whose noise is infinite.
UNFOLD_HOST_DEVICE inline float gumbel(std::uint32_t bits) {
  const float u = (static_cast<float>(bits >> 9) + 0.5f) * 0x1.0p-23f;
  return -logf(-logf(u));
}

UNFOLD_HOST_DEVICE inline float adaptive_target(float positive_score, const Hardness& hardness) {
  const float base = fmaxf(positive_score + hardness.alpha, 0.0f);
  return hardness.beta * powf(base, hardness.power + 1.0f);
}

// The key of candidate j of query b, at place b * n + j: candidates with the highest are kept.
UNFOLD_HOST_DEVICE inline float selection_key(float score, float target, std::uint64_t place,
                                              const Hardness& hardness) {
  switch (hardness.kind) {
    case HardnessKind::kScoreWeighted:
      return score / hardness.temperature + gumbel(selection_block(hardness.key, place).v[0]);
    case HardnessKind::kAdaptive:
      return -fabsf(score - target);
    case HardnessKind::kHardest:
      break;
  }
  return score;
}

// log of the probability that a candidate whose key without noise is `excess` above the (M + 1)-th key is kept.
UNFOLD_HOST_DEVICE inline float log_kept_probability(float excess) {
  const float rate = expf(excess);
  return rate > 0x1p-24f ? logf(-expm1f(-rate)) : excess;  // 1 - exp(-rate) is rate where that is tiny
}

// Throw UsageError.
void check_score_type(const SharedNegatives& shared);
void check_selection(const Hardness& hardness, const CandidatePool& pool);

}  // namespace unfold
