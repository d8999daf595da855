// select_negatives in float64: keys of all candidates, and which choices their rounding leaves open.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <vector>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/transform_reference.hpp"

namespace unfold::selfcheck {

// What select_negatives takes, in host memory. An empty array stands for a null one.
struct HostSelection {
  HostTable queries, positives;
  std::vector<float> positive_bias = {};
  std::vector<Row> users = {};
  HostLists known = {};
  bool has_known = false;

  bool is_shared = true;
  HostTable vectors;             // shared: [n, dim]; else the table [n_items, dim]
  std::vector<float> bias = {};  // of `vectors`
  bool normalize = false;        // not shared
  std::vector<Row> rows = {};
  std::vector<float> log_count = {};
  float log_draws = 0;
  std::uint32_t n = 0;
  std::uint64_t row_stride = 0;  // not shared
  std::vector<Row> lists = {};   // not shared

  Hardness hardness;
  bool exact_scores = false;  // float32 computes every score without rounding (small integers)

  std::uint64_t place(std::uint64_t b, std::uint32_t j) const {
    return is_shared ? j : (lists.empty() ? b : lists[b]) * row_stride + j;
  }
};

struct ReferenceCandidate {
  std::uint32_t position = 0;
  Row row = 0;
  Bounded score, key_without_noise, key, log_count;
};

inline Bounded reference_gumbel(std::uint32_t bits) {
  const double u = ((bits >> 9) + 0.5) * 0x1p-23;
  return Bounded(0) - bounded_log(Bounded(0) - bounded_log(u));
}

inline Bounded reference_adaptive_target(const Bounded& positive_score, const Hardness& hardness) {
  const Bounded base = positive_score + Bounded(hardness.alpha);
  const double power = static_cast<double>(hardness.power) + 1;
  if (base.value + base.error < 0) return Bounded(hardness.beta) * Bounded(std::pow(0.0, power));
  return Bounded(hardness.beta) * bounded_power(base, power);
}

// The candidates of query b that take part.
inline std::vector<ReferenceCandidate> reference_candidates(const HostSelection& c, std::uint64_t b) {
  const std::vector<Bounded> query = reference_row(c.queries.view(), b);
  std::set<Row> known;
  if (c.has_known && c.is_shared) {
    const std::span<const Row> list = c.known.list(c.users[b]);
    known = {list.begin(), list.end()};
  }
  const Hardness& hardness = c.hardness;
  const Bounded positive = reference_dot(query, reference_row(c.positives.view(), b)) +
                           Bounded(c.positive_bias.empty() ? 0.0f : c.positive_bias[b]);
  const Bounded target = reference_adaptive_target(positive, hardness);
  std::vector<ReferenceCandidate> out;
  for (std::uint32_t j = 0; j < c.n; ++j) {
    const std::uint64_t place = c.place(b, j);
    const Row row = c.rows[place];
    if (row == kNoRow || known.contains(row)) continue;
    const std::uint64_t r = c.is_shared ? j : row;
    const ReferenceVector vector = reference_vector(reference_row(c.vectors.view(), r), !c.is_shared && c.normalize);
    ReferenceCandidate candidate{j, row, {}, {}, {}, {}};
    candidate.score = reference_dot(query, vector.values) + Bounded(c.bias.empty() ? 0.0f : c.bias[r]);
    if (c.exact_scores) candidate.score.error = 0;
    candidate.log_count = Bounded(c.log_count.empty() ? 0.0f : c.log_count[place]) + Bounded(c.log_draws);
    switch (hardness.kind) {
      case HardnessKind::kHardest:
        candidate.key = candidate.score;
        break;
      case HardnessKind::kScoreWeighted: {
        const RandomBlock bits = random_block(hardness.key.seed, RandomPurpose::kSelection, hardness.key.step,
                                              hardness.key.first_position + b * c.n + j);
        candidate.key_without_noise = candidate.score / Bounded(hardness.temperature);
        candidate.key = candidate.key_without_noise + reference_gumbel(bits.v[0]);
        break;
      }
      case HardnessKind::kAdaptive: {
        const Bounded distance = candidate.score - target;
        candidate.key = {-std::abs(distance.value), distance.error};
        break;
      }
    }
    out.push_back(candidate);
  }
  return out;
}

// The log of the probability that a candidate passes the (M + 1)-th key: 1 - exp(-exp(key without noise - k)).
inline Bounded reference_log_kept(const Bounded& key_without_noise, const Bounded& next_key) {
  const Bounded rate = bounded_exp(key_without_noise - next_key);
  // The relative error of 1 - exp(-rate) is at most that of rate, and its own rounding.
  const double kept = -std::expm1(-rate.value);
  return bounded_log(rounded(kept, kept * rate.error / rate.value, 8));
}

// Whether `rows` and `log_count` may be what is kept for query b. Keys may differ by their rounding, and the choice by
// what that leaves open. Equal keys without rounding, and those of the same row, come by position.
inline void expect_selected(const HostSelection& c, std::uint64_t b, std::span<const Row> rows,
                            std::span<const float> log_count) {
  Checker& check = Checker::current();
  std::vector<ReferenceCandidate> left = reference_candidates(c, b);
  std::ranges::stable_sort(left, [](const auto& x, const auto& y) { return x.key.value > y.key.value; });
  const std::size_t n = std::min(rows.size(), left.size());
  Bounded next_key;  // the (M + 1)-th: no order statistic moves by more than the largest error
  if (left.size() > rows.size()) {
    next_key = left[rows.size()].key;
    for (const ReferenceCandidate& candidate : left) next_key.error = std::max(next_key.error, candidate.key.error);
  }
  const bool is_sample = c.hardness.kind == HardnessKind::kScoreWeighted && left.size() > rows.size();
  const auto ties = [&](const ReferenceCandidate& x, const ReferenceCandidate& y) {
    return x.key.value == y.key.value && (x.key.error + y.key.error == 0 || x.row == y.row);
  };
  for (std::size_t t = 0; t < rows.size(); ++t) {
    if (t >= n) {
      if (!check.that(rows[t] == kNoRow && log_count[t] == 0, "place {}: row {}, expected none", t, rows[t])) return;
      continue;
    }
    // The best candidate of this row that is left, which must not be worse than any other that is.
    const auto found = std::ranges::find(left, rows[t], &ReferenceCandidate::row);
    if (!check.that(found != left.end(), "place {}: row {} is no candidate that is left", t, rows[t])) return;
    for (const ReferenceCandidate& other : left) {
      const bool is_worse = found->key.value + found->key.error < other.key.value - other.key.error;
      const bool is_later = ties(*found, other) && other.position < found->position;
      if (!check.that(!is_worse && !is_later, "place {}: candidate {} (row {}), expected {} (row {})", t,
                      found->position, found->row, other.position, other.row))
        return;
    }
    const Bounded expected =
        is_sample ? found->log_count + reference_log_kept(found->key_without_noise, next_key) : found->log_count;
    if (!check.near(log_count[t], expected, "place {}: log count of row {}", t, rows[t])) return;
    left.erase(found);
  }
}

}  // namespace unfold::selfcheck
