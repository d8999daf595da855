// What update_rows_atomic may leave in a table whose rows repeat in the batch: bounds that hold for every order of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "host/selfcheck/op_reference.hpp"

namespace unfold::selfcheck {

// An amount between two numbers, both at least 0.
struct AmountRange {
  double low = 0, high = 0;
};

// lr * |g| / (sqrt(S) + eps) where S, the sum of squares that a gradient is divided by, holds `before` and `own`, and
// at most all of `after`: whatever came between, whichever order the batch was applied in.
inline AmountRange adagrad_amount(double g, const Bounded& before, const Bounded& own, const Bounded& after,
                                  const OptimizerStep& step) {
  const double least = std::max(0.0, before.value - before.error) + std::max(0.0, own.value - own.error);
  const double most = after.value + after.error;
  const double top = std::abs(g) * static_cast<double>(step.learning_rate);
  const double epsilon = static_cast<double>(step.epsilon);
  return {top / (std::sqrt(most) + epsilon), top == 0 ? 0 : top / (std::sqrt(least) + epsilon)};
}

// weight - the sum of signed amounts: the middle of where it may end, and half the width of that, with what float32
// rounds: some operations an amount (8: squares, roots, quotients, products), and an addition an amount to the weight.
inline Bounded subtract_amounts(const Bounded& weight, std::span<const AmountRange> amounts,
                                std::span<const double> signs) {
  double middle = 0, half = 0, largest = 0;
  for (std::size_t k = 0; k < amounts.size(); ++k) {
    middle += signs[k] * 0.5 * (amounts[k].low + amounts[k].high);
    half += 0.5 * (amounts[k].high - amounts[k].low);
    largest += amounts[k].high;
  }
  const double additions = static_cast<double>(amounts.size()) + 1;
  const double rounding = 8 * kUnitRoundoff * largest + additions * kUnitRoundoff * (std::abs(weight.value) + largest);
  return {weight.value - middle, weight.error + half + kSlack * rounding + kTiny};
}

// SGD, AdaGrad and row-wise AdaGrad, each gradient [n, cols] on its own.
inline void reference_update_rows_atomic(ReferenceTable& table, std::span<const Row> rows,
                                         MatrixView<const float> gradient, const OptimizerStep& step) {
  std::map<Row, std::vector<std::uint64_t>> positions;
  for (std::uint64_t n = 0; n < rows.size(); ++n) positions[rows[n]].push_back(n);
  for (const auto& [row, batch] : positions) {
    const auto squared = [&](std::uint64_t n, std::uint32_t c) {
      return Bounded(gradient.row(n)[c]) * Bounded(gradient.row(n)[c]);
    };
    // Of row-wise AdaGrad: the row's sum before and after, and each gradient's share.
    std::vector<Bounded> shares, sums;
    if (step.kind == OptimizerKind::kRowwiseAdagrad) {
      for (const std::uint64_t n : batch) {
        std::vector<Bounded> squares;
        for (std::uint32_t c = 0; c < table.cols; ++c) squares.push_back(squared(n, c));
        shares.push_back(bounded_sum(squares) / Bounded(table.cols));
      }
      sums = shares;
      sums.push_back(table.first[row]);
    }
    const Bounded row_before = shares.empty() ? Bounded(0) : table.first[row];
    const Bounded row_after = shares.empty() ? Bounded(0) : bounded_sum(sums);
    for (std::uint32_t c = 0; c < table.cols; ++c) {
      const std::uint64_t at = static_cast<std::uint64_t>(row) * table.cols + c;
      Bounded before = row_before, after = row_after;
      if (step.kind == OptimizerKind::kAdagrad) {
        shares.clear();
        for (const std::uint64_t n : batch) shares.push_back(squared(n, c));
        sums = shares;
        sums.push_back(table.first[at]);
        before = table.first[at];
        after = bounded_sum(sums);
        table.first[at] = after;
      }
      std::vector<AmountRange> amounts;
      std::vector<double> signs;
      for (std::size_t k = 0; k < batch.size(); ++k) {
        const double g = static_cast<double>(gradient.row(batch[k])[c]);
        const double amount = std::abs(g) * static_cast<double>(step.learning_rate);
        signs.push_back(g < 0 ? -1 : 1);
        amounts.push_back(step.kind == OptimizerKind::kSgd ? AmountRange{amount, amount}
                                                           : adagrad_amount(g, before, shares[k], after, step));
      }
      table.weight[at] = subtract_amounts(table.weight[at], amounts, signs);
    }
    if (step.kind == OptimizerKind::kRowwiseAdagrad) table.first[row] = row_after;
  }
}

}  // namespace unfold::selfcheck
