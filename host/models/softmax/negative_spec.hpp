// What --negatives asks for: random negatives, hard ones, or both, "uniform+hard:8/256".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unfold {

enum class RandomNegatives : std::uint8_t {
  kNone,
  kUniform,     // uniform
  kPopularity,  // popularity:ALPHA, with probability ~ (training count)^ALPHA
  kInBatch,     // in-batch: the positives of the batch's other queries
  kMixed,       // mixed:FRACTION, of in-batch ones; the rest uniform (Yang et al., MNS, WWW 2020)
  kFull,        // full: all items, the exact softmax
};

enum class HardNegatives : std::uint8_t {
  kNone,
  kHardest,        // hard:M/N, the M of N random candidates that score highest
  kScoreWeighted,  // score-weighted:M/N, M of N drawn with probability ~ exp(score / T)
  kAdaptive,       // adaptive:M/N, those whose score is next to a target that falls as the positive's rises
  kDisliked,       // disliked:M, drawn from the items that the user rated below the mean
  kMined,          // mined:M/K, M drawn from the user's K best items, brought up to date now and then
};

struct NegativeSpec {
  RandomNegatives random = RandomNegatives::kNone;
  double alpha = 0;              // of kPopularity, >= 0
  double in_batch_fraction = 0;  // of kMixed, in (0, 1)
  HardNegatives hard = HardNegatives::kNone;
  std::uint32_t n_hard = 0;        // M
  std::uint32_t n_candidates = 0;  // N or K

  // Throws UsageError naming --negatives, the value and what is allowed.
  static NegativeSpec parse(std::string_view text);
};

}  // namespace unfold
