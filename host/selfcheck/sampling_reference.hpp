// draw_negatives over host memory: the same counters, sets instead of searches, probabilities in float64.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "unfold/alias_table.hpp"
#include "unfold/random.hpp"

namespace unfold::selfcheck {

inline constexpr std::uint64_t kReferenceAttempts = 31;

struct ReferenceNegative {
  Row row = kNoRow;
  std::uint64_t n_rejected = 0;
};

// `table` null: uniform. `place`: position of the query in the step * n_negatives + slot.
inline ReferenceNegative reference_negative(const AliasTable* table, std::uint32_t n_items, const std::set<Row>& known,
                                            std::uint64_t seed, std::uint32_t step, std::uint64_t place) {
  std::vector<Row> unknown;
  for (Row row = 0; row < n_items; ++row)
    if (!known.contains(row)) unknown.push_back(row);
  if (unknown.empty()) return {};
  const auto draw = [&](std::uint64_t attempt) {
    return random_block(seed, RandomPurpose::kNegatives, step, place * (kReferenceAttempts + 1) + attempt);
  };
  const auto below = [](const RandomBlock& bits, std::uint64_t n) {
    return static_cast<std::size_t>(uniform_below(bits.v[0], bits.v[1], n));
  };
  for (std::uint64_t attempt = 0; table != nullptr && attempt < kReferenceAttempts; ++attempt) {
    const RandomBlock bits = draw(attempt);
    const std::size_t slot = below(bits, n_items);
    const Row row = bits.v[2] < table->thresholds[slot] ? static_cast<Row>(slot) : table->aliases[slot];
    if (!known.contains(row)) return {row, attempt};
  }
  return {unknown[below(draw(kReferenceAttempts), unknown.size())], table == nullptr ? 0 : kReferenceAttempts};
}

// The probability of each row: by rejection, and uniform where every attempt fails.
inline std::vector<double> reference_negative_probabilities(const AliasTable* table, std::uint32_t n_items,
                                                            const std::set<Row>& known) {
  std::vector<double> q(n_items, 1.0 / n_items), out(n_items);
  for (Row row = 0; table != nullptr && row < n_items; ++row) q[row] = std::exp(static_cast<double>(table->log_q[row]));
  double mass = 0;
  for (const Row row : known) mass += q[row];
  const double failed = table == nullptr ? 0 : std::pow(mass, static_cast<double>(kReferenceAttempts));
  const auto n_unknown = static_cast<double>(n_items - known.size());
  for (Row row = 0; row < n_items; ++row) {
    if (known.contains(row)) continue;
    out[row] = (mass < 1 ? (1 - failed) * q[row] / (1 - mass) : 0) + failed / n_unknown;
  }
  return out;
}

// Counts of draws against their probabilities; rows expected fewer than ten times count as one.
struct ChiSquare {
  double statistic = 0, freedom = -1;
};
inline ChiSquare chi_square(std::span<const double> counts, std::span<const double> probabilities) {
  const double n_draws = std::accumulate(counts.begin(), counts.end(), 0.0);
  ChiSquare out;
  double rest = 0, expected_rest = 0;
  const auto add = [&](double count, double mean) {
    out.statistic += (count - mean) * (count - mean) / mean;
    out.freedom += 1;
  };
  for (std::size_t row = 0; row < counts.size(); ++row) {
    const double mean = n_draws * probabilities[row];
    if (mean >= 10) {
      add(counts[row], mean);
    } else {
      rest += counts[row];
      expected_rest += mean;
    }
  }
  if (expected_rest >= 10) add(rest, expected_rest);
  return out;
}

// Above it a chi-square statistic with `freedom` degrees of freedom comes with probability 10^-6 (Wilson and Hilferty,
// Proceedings of the National Academy of Sciences 1931: its cube root is nearly normal).
inline double chi_square_limit(double freedom) {
  constexpr double kNormalQuantile = 4.753;
  const double spread = 2 / (9 * freedom);
  return freedom * std::pow(1 - spread + kNormalQuantile * std::sqrt(spread), 3);
}

}  // namespace unfold::selfcheck
