#include "unfold/alias_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace unfold {
namespace {

constexpr double kWhole = 0x1p32;  // a slot that always yields its own position

// Slot by slot, the probability of its own position over that of its alias.
void fill_slots(std::span<const double> weights, AliasTable& table) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto n = static_cast<Row>(weights.size());
  // A slot's weight over the mean weight. Slots under 1 are filled up from one that is over.
  std::vector<double> share(n);
  std::vector<Row> under, over;
  for (Row i = 0; i < n; ++i) {
    share[i] = weights[i] / total * n;
    table.aliases[i] = i;
    (share[i] < 1 ? under : over).push_back(i);
  }
  while (!under.empty() && !over.empty()) {
    const Row small = under.back();
    const Row large = over.back();
    under.pop_back();
    const double threshold = std::round(share[small] * kWhole);
    if (threshold < kWhole) {
      table.thresholds[small] = static_cast<std::uint32_t>(threshold);
      table.aliases[small] = large;
    }
    share[large] -= 1 - share[small];
    if (share[large] >= 1) continue;
    over.pop_back();
    under.push_back(large);
  }
  // What is left has a share of 1 but for rounding, and keeps its own position. Rounding must not let a weight of 0
  // be drawn, though.
  const auto heaviest = static_cast<Row>(std::ranges::max_element(weights) - weights.begin());
  for (const Row rest : under) {
    if (weights[rest] > 0) continue;
    table.thresholds[rest] = 0;
    table.aliases[rest] = heaviest;
  }
}

// Of n * 2^32 parts, how many yield each position.
std::vector<std::uint64_t> masses(const AliasTable& table) {
  std::vector<std::uint64_t> mass(table.size());
  for (Row slot = 0; slot < table.size(); ++slot) {
    const bool is_whole = table.aliases[slot] == slot;
    const std::uint64_t own = is_whole ? std::uint64_t{1} << 32 : table.thresholds[slot];
    mass[slot] += own;
    mass[table.aliases[slot]] += (std::uint64_t{1} << 32) - own;
  }
  return mass;
}

// The log of a number of parts.
float log_share(std::uint64_t parts, std::uint64_t n) {
  if (parts == 0) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(std::log(static_cast<double>(parts) / (static_cast<double>(n) * kWhole)));
}

}  // namespace

AliasTable build_alias_table(std::span<const double> weights) {
  AliasTable table;
  table.thresholds.assign(weights.size(), 0xFFFFFFFFu);
  table.aliases.resize(weights.size());
  fill_slots(weights, table);
  for (const std::uint64_t mass : masses(table)) table.log_q.push_back(log_share(mass, weights.size()));
  return table;
}

std::vector<double> popularity_weights(std::span<const std::uint64_t> counts, double alpha) {
  std::vector<double> weights;
  weights.reserve(counts.size());
  for (const std::uint64_t count : counts) {
    weights.push_back(count == 0 ? 0 : std::pow(static_cast<double>(count), alpha));
  }
  return weights;
}

std::vector<float> log_unknown_masses(const AliasTable& table, std::span<const std::uint64_t> offsets,
                                      std::span<const Row> ids) {
  const std::vector<std::uint64_t> mass = masses(table);
  std::vector<float> out;
  for (std::size_t list = 0; list + 1 < offsets.size(); ++list) {
    std::uint64_t unknown = table.size() << 32;
    for (std::uint64_t k = offsets[list]; k < offsets[list + 1]; ++k) unknown -= mass[ids[k]];
    out.push_back(log_share(unknown, table.size()));
  }
  return out;
}

}  // namespace unfold
