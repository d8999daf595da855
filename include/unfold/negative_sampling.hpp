// How one negative is drawn: a row that a query does not know, and the log of the probability it was drawn with. The
// same code on every device; a draw is a pure function of its key and place.
//
// Uniform. The r-th unknown row, with r from one draw: 1 / (n_items - n_known) each, without rejection.
//
// From an alias table, with probabilities q. Up to kNegativeAttempts draws, until one is unknown. With U the mass of
// the unknown rows each attempt is rejected with probability 1 - U, and all of them with F = (1 - U)^kNegativeAttempts;
// then the row is one of the unknown ones, uniformly. So a row i is drawn with probability exactly
//   (1 - F) * q_i / U + F / (n_items - n_known)
// which is q_i / U, that of rejection without end, unless a query knows nearly all that is popular (F is below 10^-9
// up to U = 0.49, and 0.04 at U = 0.1).
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/alias_table.hpp"
#include "unfold/host_device.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/random.hpp"

namespace unfold {

// What negatives are drawn from, in the backend's memory: an AliasTable's arrays, or null ones for a uniform draw.
struct NegativeSampler {
  std::uint32_t n_items = 0;
  const std::uint32_t* alias_threshold = nullptr;  // [n_items]
  const Row* alias = nullptr;                      // [n_items]
  const float* log_q = nullptr;                    // [n_items]
  const float* log_unknown_mass = nullptr;         // [lists of `known`], log_unknown_masses of alias_table.hpp
};

inline constexpr std::uint32_t kNegativeAttempts = 31;

// The rows that a query knows, ascending and distinct.
struct KnownRows {
  const Row* ids = nullptr;
  std::uint64_t size = 0;
};

UNFOLD_HOST_DEVICE inline KnownRows known_rows(const RowLists& known, const Row* queries, std::uint64_t n) {
  if (known.offsets == nullptr) return {};
  const std::uint64_t begin = known.offsets[queries[n]], end = known.offsets[queries[n] + std::uint64_t{1}];
  return {known.ids + begin, end - begin};
}

// Both searches halve without a branch that could be mispredicted.
UNFOLD_HOST_DEVICE inline bool is_known(const KnownRows& known, Row row) {
  if (known.size == 0) return false;
  const Row* first = known.ids;
  for (std::uint64_t n = known.size; n > 1;) {
    const std::uint64_t half = n / 2;
    first += first[half] <= row ? half : 0;
    n -= half;
  }
  return *first == row;
}

// The r-th row that is not known, from 0: known.ids[k] - k rows below the k-th known one are unknown.
UNFOLD_HOST_DEVICE inline Row nth_unknown(const KnownRows& known, std::uint64_t r) {
  std::uint64_t n_below = 0;  // known rows below it
  for (std::uint64_t n = known.size; n > 0;) {
    const std::uint64_t half = (n + 1) / 2;
    const std::uint64_t last = n_below + half - 1;
    n_below += known.ids[last] - last <= r ? half : 0;
    n -= half;
  }
  return static_cast<Row>(r + n_below);
}

struct Negative {
  Row row = kNoRow;
  std::uint32_t n_rejected = 0;
};

// The draws of place p of a step (query's position * n_negatives + slot) are numbers 32 p .. 32 p + 31: one an attempt,
// the last for the uniform one.
struct NegativePlace {
  std::uint64_t seed;
  std::uint32_t step;
  std::uint64_t place;

  UNFOLD_HOST_DEVICE RandomBlock draw(std::uint32_t attempt) const {
    return random_block(seed, RandomPurpose::kNegatives, step, place * (kNegativeAttempts + 1) + attempt);
  }
};

// The first draw: the one attempt that nearly all need, made apart so that a caller can fetch ahead what it leads to.
UNFOLD_HOST_DEVICE inline RandomBlock first_draw(const NegativeSampler& sampler, const NegativePlace& at) {
  return at.draw(sampler.alias == nullptr ? kNegativeAttempts : 0);
}

// The negative that begins with first_draw. kNoRow where the query knows every item.
UNFOLD_HOST_DEVICE inline Negative draw_negative(const NegativeSampler& sampler, const KnownRows& known,
                                                 const NegativePlace& at, RandomBlock bits) {
  Negative out;
  if (known.size >= sampler.n_items) return out;
  if (sampler.alias != nullptr) {
    for (;;) {
      out.row = draw_alias(sampler.alias_threshold, sampler.alias, sampler.n_items, bits);
      if (!is_known(known, out.row)) return out;
      bits = at.draw(++out.n_rejected);
      if (out.n_rejected == kNegativeAttempts) break;
    }
  }
  out.row = nth_unknown(known, uniform_below(bits.v[0], bits.v[1], sampler.n_items - known.size));
  return out;
}

// What is the same for all of a query's draws: the formula above.
struct DrawProbability {
  float log_uniform = 0;  // -log(n_items - n_known)
  float log_unknown = 0;  // log U
  float failed = 0;       // F
  float found = 1;        // 1 - F
};

UNFOLD_HOST_DEVICE inline DrawProbability draw_probability(const NegativeSampler& sampler, std::uint64_t n_known,
                                                           Row query) {
  DrawProbability out;
  out.log_uniform = -logf(static_cast<float>(sampler.n_items - n_known));
  if (sampler.alias == nullptr || n_known == 0) return out;
  out.log_unknown = sampler.log_unknown_mass[query];
  const float log_failed = static_cast<float>(kNegativeAttempts) * log1pf(-expf(out.log_unknown));
  out.failed = expf(log_failed);
  out.found = -expm1f(log_failed);
  return out;
}

// The log of the probability that a draw is `row`; 0 for kNoRow.
UNFOLD_HOST_DEVICE inline float negative_log_q(const NegativeSampler& sampler, const DrawProbability& query, Row row) {
  if (row == kNoRow) return 0;
  if (sampler.alias == nullptr) return query.log_uniform;
  const float log_found = sampler.log_q[row] - query.log_unknown;
  if (query.failed < 0x1p-60f) return log_found;
  return logf((query.found > 0 ? query.found * expf(log_found) : 0) + query.failed * expf(query.log_uniform));
}

}  // namespace unfold
