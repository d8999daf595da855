// Negatives of a batch of queries. Every draw is a function of its place, so that threads share nothing. What a draw
// leads to lies anywhere in the alias table, and is fetched while other draws are made.
#include <algorithm>
#include <atomic>

#include "host/ops/ops.hpp"
#include "hwy/cache_control.h"

namespace unfold::cpu {
namespace {

// Draws made ahead.
constexpr std::uint64_t kAhead = 32;

NegativePlace place_of(const DrawNegatives& op, std::uint64_t slot) {
  return {op.key.seed, op.key.step, op.key.first_position * op.n_negatives + slot};
}

// The negatives in slots [first, last), at most kAhead; returns how many draws were rejected.
std::uint64_t draw_slots(const DrawNegatives& op, std::uint64_t first, std::uint64_t last) {
  const NegativeSampler& sampler = op.sampler;
  RandomBlock draws[kAhead];
  for (std::uint64_t slot = first; slot < last; ++slot) {
    RandomBlock& bits = draws[slot - first];
    bits = first_draw(sampler, place_of(op, slot));
    if (sampler.alias == nullptr) continue;
    const std::uint64_t at = uniform_below(bits.v[0], bits.v[1], sampler.n_items);
    hwy::Prefetch(sampler.alias_threshold + at);
    hwy::Prefetch(sampler.alias + at);
  }
  std::uint64_t rejected = 0;
  for (std::uint64_t slot = first; slot < last; ++slot) {
    const KnownRows list = known_rows(op.known, op.queries, slot / op.n_negatives);
    const Negative negative = draw_negative(sampler, list, place_of(op, slot), draws[slot - first]);
    op.negatives[slot] = negative.row;
    rejected += negative.n_rejected;
    if (sampler.alias != nullptr && negative.row != kNoRow) hwy::Prefetch(sampler.log_q + negative.row);
  }
  DrawProbability probability;
  for (std::uint64_t slot = first; op.log_q != nullptr && slot < last; ++slot) {
    const std::uint64_t k = slot / op.n_negatives;
    if (slot == first || slot % op.n_negatives == 0) {
      const std::uint64_t n_known = known_rows(op.known, op.queries, k).size;
      probability = draw_probability(sampler, n_known, op.known.offsets == nullptr ? 0 : op.queries[k]);
    }
    op.log_q[slot] = negative_log_q(sampler, probability, op.negatives[slot]);
  }
  return rejected;
}

}  // namespace

void run(const DrawNegatives& op, std::span<std::byte> /*workspace*/, int n_threads) {
  constexpr std::uint64_t kDrawsAPiece = 4;  // of work as threads_for counts it
  constexpr std::uint64_t kSlice = 32 * kAhead;
  const std::uint64_t n_slots = op.n_queries * op.n_negatives;
  const int threads = threads_for(n_slots / kDrawsAPiece, n_threads);
  std::atomic<std::uint64_t> rejected{0};
  parallel_slices(n_slots, kSlice, threads, [&](std::uint64_t first, std::uint64_t last) {
    std::uint64_t of_slice = 0;
    for (; first < last; first += kAhead) of_slice += draw_slots(op, first, std::min(last, first + kAhead));
    rejected += of_slice;
  });
  *op.n_rejected += rejected;
}

}  // namespace unfold::cpu
