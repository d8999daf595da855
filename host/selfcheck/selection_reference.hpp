// top_k in float64, by scoring and sorting everything.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "host/selfcheck/checker.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::selfcheck {

// A query's scores of all items. `exact_scores`: float32 computes them without rounding (small integers).
inline std::vector<Bounded> reference_scores(std::span<const float> query, MatrixView<const float> items,
                                             std::span<const float> bias, bool exact_scores) {
  std::vector<Bounded> scores;
  for (Row i = 0; i < items.rows; ++i) {
    std::vector<Bounded> terms(items.cols);
    for (std::uint32_t c = 0; c < items.cols; ++c) terms[c] = Bounded(query[c]) * Bounded(items.row(i)[c]);
    scores.push_back(bounded_sum(terms) + Bounded(bias.empty() ? 0.0f : bias[i]));
    if (exact_scores) scores.back().error = 0;
  }
  return scores;
}

// Whether a list of items and scores may be the k best of the items that take part: those neither excluded nor without
// a number for a score. Scores may differ by their rounding, and the choice by what that leaves open; items with equal
// vectors and biases tie exactly, and then the lower row comes first.
inline void expect_top_k(MatrixView<const float> items, std::span<const float> bias, const std::set<Row>& excluded,
                         const std::vector<Bounded>& scores, std::span<const Row> got,
                         std::span<const float> got_scores) {
  Checker& check = Checker::current();
  const auto same_item = [&](Row a, Row b) {
    return std::equal(items.row(a), items.row(a) + items.cols, items.row(b)) && (bias.empty() || bias[a] == bias[b]);
  };
  std::vector<Row> taking_part;
  for (Row i = 0; i < items.rows; ++i)
    if (!excluded.contains(i) && !std::isnan(scores[i].value)) taking_part.push_back(i);
  const std::size_t n = std::min(got.size(), taking_part.size());
  const std::set<Row> allowed(taking_part.begin(), taking_part.end());
  const std::set<Row> chosen(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(n));
  if (!check.that(chosen.size() == n, "an item appears twice")) return;
  for (std::size_t t = 0; t < got.size(); ++t) {
    if (t >= n) {
      if (!check.that(got[t] == kNoRow && got_scores[t] == -INFINITY, "place {}: row {}, expected none", t, got[t]))
        return;
      continue;
    }
    if (!check.that(allowed.contains(got[t]), "place {}: row {} does not take part", t, got[t])) return;
    if (!check.near(got_scores[t], scores[got[t]], "place {}: score of row {}", t, got[t])) return;
    const bool in_order =
        t == 0 || got_scores[t - 1] > got_scores[t] || (got_scores[t - 1] == got_scores[t] && got[t - 1] < got[t]);
    if (!check.that(in_order, "place {}: row {} is out of order", t, got[t])) return;
  }
  if (n == taking_part.size()) return;
  // None is better than the worst chosen one at its best, nor its equal and before it.
  double worst = INFINITY;
  for (const Row i : chosen) worst = std::min(worst, scores[i].value + scores[i].error);
  for (const Row i : taking_part) {
    if (chosen.contains(i)) continue;
    if (!check.that(scores[i].value - scores[i].error <= worst, "row {} is missing", i)) return;
    for (const Row other : chosen) {
      const bool ties = scores[other].value == scores[i].value && (scores[i].error == 0 || same_item(other, i));
      if (ties && !check.that(other < i, "row {} is there, and its equal {} is not", other, i)) return;
    }
  }
}

}  // namespace unfold::selfcheck
