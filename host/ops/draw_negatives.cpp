// Negatives of a batch of queries. Every draw is a function of its place, so that threads share nothing. What a draw
// leads to lies anywhere in the alias table, and is fetched while other draws are made.
#include <algorithm>

#include "host/ops/ops.hpp"
#include "hwy/cache_control.h"

namespace unfold::cpu {
namespace {

// Draws made ahead.
constexpr std::uint64_t kAhead = 32;

struct NegativeBatch {
  const NegativeSampler& sampler;
  const RandomKey& key;
  const Row* queries;
  std::uint32_t n_negatives;
  RowLists known;
  Row* negatives;
  float* log_q;

  NegativePlace place(std::uint64_t slot) const {
    return {key.seed, key.step, key.first_position * n_negatives + slot};
  }
};

// The negatives in slots [first, last), at most kAhead; returns how many draws were rejected.
std::uint64_t draw_slots(const NegativeBatch& batch, std::uint64_t first, std::uint64_t last) {
  const NegativeSampler& sampler = batch.sampler;
  RandomBlock draws[kAhead];
  for (std::uint64_t slot = first; slot < last; ++slot) {
    RandomBlock& bits = draws[slot - first];
    bits = first_draw(sampler, batch.place(slot));
    if (sampler.alias == nullptr) continue;
    const std::uint64_t at = uniform_below(bits.v[0], bits.v[1], sampler.n_items);
    hwy::Prefetch(sampler.alias_threshold + at);
    hwy::Prefetch(sampler.alias + at);
  }
  std::uint64_t rejected = 0;
  for (std::uint64_t slot = first; slot < last; ++slot) {
    const KnownRows list = known_rows(batch.known, batch.queries, slot / batch.n_negatives);
    const Negative negative = draw_negative(sampler, list, batch.place(slot), draws[slot - first]);
    batch.negatives[slot] = negative.row;
    rejected += negative.n_rejected;
    if (sampler.alias != nullptr && negative.row != kUnknownRow) hwy::Prefetch(sampler.log_q + negative.row);
  }
  DrawProbability probability;
  for (std::uint64_t slot = first; batch.log_q != nullptr && slot < last; ++slot) {
    const std::uint64_t k = slot / batch.n_negatives;
    if (slot == first || slot % batch.n_negatives == 0) {
      const std::uint64_t n_known = known_rows(batch.known, batch.queries, k).size;
      probability = draw_probability(sampler, n_known, batch.known.offsets == nullptr ? 0 : batch.queries[k]);
    }
    batch.log_q[slot] = negative_log_q(sampler, probability, batch.negatives[slot]);
  }
  return rejected;
}

}  // namespace

void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                    std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q, std::uint64_t* n_rejected,
                    int n_threads) {
  constexpr std::uint64_t kDrawsAPiece = 4;  // of work as threads_for counts it
  const NegativeBatch batch{sampler, key, queries, n_negatives, known, negatives, log_q};
  const std::uint64_t n_slots = n * n_negatives, n_parts = (n_slots + kAhead - 1) / kAhead;
  std::uint64_t rejected = 0;
#pragma omp parallel for num_threads(threads_for(n_slots / kDrawsAPiece, n_threads)) schedule(static) \
    reduction(+ : rejected)
  for (std::uint64_t part = 0; part < n_parts; ++part) {
    rejected += draw_slots(batch, part * kAhead, std::min(n_slots, (part + 1) * kAhead));
  }
  *n_rejected += rejected;
}

}  // namespace unfold::cpu
