// Draws from a discrete distribution in constant time (Walker 1977; set up in linear time, Vose, A Linear Algorithm
// for Generating Random Numbers with a Given Distribution, IEEE Transactions on Software Engineering 1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/matrix_view.hpp"
#include "unfold/random.hpp"

namespace unfold {

// n slots, each drawn with the same probability. A slot yields its own position where 32 uniform bits are below its
// threshold, else its alias. So every probability is a whole number of n * 2^32 parts, and known exactly.
struct AliasTable {
  std::vector<std::uint32_t> thresholds;  // of 2^32
  std::vector<Row> aliases;               // a slot that always yields itself is its own
  std::vector<float> log_q;               // log of the probability of each position; -infinity where it is 0

  std::uint64_t size() const { return aliases.size(); }
};

// A position, from three 32-bit draws.
UNFOLD_HOST_DEVICE inline Row draw_alias(const std::uint32_t* thresholds, const Row* aliases, std::uint64_t n,
                                         const RandomBlock& bits) {
  const Row slot = static_cast<Row>(uniform_below(bits.v[0], bits.v[1], n));
  return bits.v[2] < thresholds[slot] ? slot : aliases[slot];
}
inline Row draw_alias(const AliasTable& table, const RandomBlock& bits) {
  return draw_alias(table.thresholds.data(), table.aliases.data(), table.size(), bits);
}

// `weights` are finite, not negative and not all zero; there are at least one and fewer than 2^32 - 1 of them. The
// same weights give the same table everywhere. A probability is off by at most some 2^-32 / n; a weight of 0 is never
// drawn, nor one of less than 2^-33 of the mean.
AliasTable build_alias_table(std::span<const double> weights);

// counts[i]^alpha: alpha 1 draws by popularity, 0 uniformly among items that occur, 0.75 is word2vec's choice (Mikolov
// et al., NIPS 2013).
std::vector<double> popularity_weights(std::span<const std::uint64_t> counts, double alpha);

// For each list, ids[offsets[l] .. offsets[l + 1]), the log of the probability that a draw is not in it: exact
// before it is rounded to float. -infinity where a list holds all that can be drawn.
std::vector<float> log_unknown_masses(const AliasTable& table, std::span<const std::uint64_t> offsets,
                                      std::span<const Row> ids);

}  // namespace unfold
