// Every op of unfold/ops.def over host memory in float64, one line of maths at a time: what tests of a backend
// compare with. Inputs are the float32 values a backend was given; results carry their tolerance (bounded.hpp).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "unfold/backend.hpp"

namespace unfold::selfcheck {

// A trainable table and its optimizer state.
struct ReferenceTable {
  std::uint64_t rows = 0;
  std::uint32_t cols = 0;
  std::vector<Bounded> weight;         // [rows, cols]
  std::vector<Bounded> first, second;  // [rows, cols], or [rows] for row-wise AdaGrad's first
  std::vector<std::uint32_t> steps;    // [rows]

  Bounded& at(std::uint64_t row, std::uint32_t col) { return weight[row * cols + col]; }
  const Bounded& at(std::uint64_t row, std::uint32_t col) const { return weight[row * cols + col]; }
  std::span<const Bounded> row(std::uint64_t r) const { return {weight.data() + r * cols, cols}; }
};

// From `weight`, with zero state.
inline ReferenceTable reference_table(MatrixView<const float> weight, OptimizerKind kind) {
  ReferenceTable table;
  table.rows = weight.rows;
  table.cols = weight.cols;
  table.weight.resize(weight.rows * weight.cols);
  for (std::uint64_t r = 0; r < weight.rows; ++r)
    for (std::uint32_t c = 0; c < weight.cols; ++c) table.at(r, c) = static_cast<double>(weight.row(r)[c]);
  const OptimizerStateSize size = optimizer_state_size(kind, weight.rows, weight.cols);
  table.first.resize(size.first);
  table.second.resize(size.second);
  table.steps.resize(size.steps);
  return table;
}

// For limits that float32 may pass by its rounding.
inline constexpr double kSlack = 1.001;

// The largest |mean of g| / sqrt(mean of g^2) that Adam's two decays allow: each past gradient is at most
// sqrt(second / ((1 - beta2) beta2^age)), and the means weigh them by (1 - beta1) beta1^age.
inline double adam_limit(const OptimizerStep& step) {
  const double ratio = step.beta1 / std::sqrt(static_cast<double>(step.beta2));
  if (!(ratio < 1)) return std::numeric_limits<double>::infinity();
  return (1 - step.beta1) / std::sqrt(1 - static_cast<double>(step.beta2)) / (1 - ratio);
}

// The optimizer on one row (optimizer.hpp). `gradient` [cols], L2 included.
inline void reference_update_row(ReferenceTable& table, std::uint64_t row, std::span<const Bounded> gradient,
                                 const OptimizerStep& step) {
  const Bounded one(1), rate(step.learning_rate), epsilon(step.epsilon), beta1(step.beta1), beta2(step.beta2);
  Bounded row_scale, first_rate, second_root;
  if (step.kind == OptimizerKind::kRowwiseAdagrad) {
    std::vector<Bounded> squares;
    for (const Bounded& g : gradient) squares.push_back(g * g);
    table.first[row] = table.first[row] + bounded_sum(squares) / Bounded(table.cols);
    row_scale = rate / (bounded_sqrt(table.first[row]) + epsilon);
  }
  if (step.kind == OptimizerKind::kAdam) {
    const double t = ++table.steps[row];
    first_rate = rate / (one - bounded_power(step.beta1, t));
    second_root = one / bounded_sqrt(one - bounded_power(step.beta2, t));
  }
  for (std::uint32_t c = 0; c < table.cols; ++c) {
    const std::uint64_t n = row * table.cols + c;
    const Bounded g = gradient[c];
    Bounded& w = table.weight[n];
    switch (step.kind) {
      case OptimizerKind::kSgd:
        w = w - rate * g;
        break;
      case OptimizerKind::kAdagrad:
        table.first[n] = table.first[n] + g * g;
        w = w - limited(rate * g / (bounded_sqrt(table.first[n]) + epsilon), kSlack * rate.value);
        break;
      case OptimizerKind::kRowwiseAdagrad:
        w = w - limited(row_scale * g, kSlack * rate.value * std::sqrt(table.cols));
        break;
      case OptimizerKind::kAdam:
        table.first[n] = beta1 * table.first[n] + (one - beta1) * g;
        table.second[n] = beta2 * table.second[n] + (one - beta2) * g * g;
        w = w - limited(first_rate * table.first[n] / (bounded_sqrt(table.second[n]) * second_root + epsilon),
                        kSlack * first_rate.value / second_root.value * adam_limit(step));
        break;
    }
  }
}

// From one element of `type` to the next at the magnitude of x.
inline double element_quantum(double x, TableType type) {
  const bool is_float16 = type == TableType::kFloat16;
  const int exponent = std::max(x == 0 ? -1000 : std::ilogb(x), is_float16 ? -14 : -126);
  return std::ldexp(1.0, exponent - (is_float16 ? 10 : 7));
}

// What may be stored for a float32 result: from the element below the lowest to the one above the highest.
inline Bounded neighbours(const Bounded& result, TableType type) {
  if (type == TableType::kFloat32 || !std::isfinite(result.value) || !std::isfinite(result.error)) return result;
  const double low = result.value - result.error, high = result.value + result.error;
  const double low_quantum = element_quantum(low, type), high_quantum = element_quantum(high, type);
  const double first = std::floor(low / low_quantum) * low_quantum;
  const double last = std::ceil(high / high_quantum) * high_quantum;
  return {0.5 * (first + last), 0.5 * (last - first)};
}

struct ReferenceMf {
  ReferenceTable user_factors, item_factors, user_bias, item_bias;
};

struct ReferenceGradient {
  Bounded prediction, error, by_score;
};

inline Bounded reference_score(const ReferenceMf& mf, Row user, Row item, const RatingLoss& loss) {
  std::vector<Bounded> terms = {Bounded(loss.link.mean)};
  if (loss.use_bias && user != kNoRow) terms.push_back(mf.user_bias.at(user, 0));
  if (loss.use_bias && item != kNoRow) terms.push_back(mf.item_bias.at(item, 0));
  if (user != kNoRow && item != kNoRow) {
    for (std::uint32_t c = 0; c < mf.user_factors.cols; ++c)
      terms.push_back(mf.user_factors.at(user, c) * mf.item_factors.at(item, c));
  }
  return bounded_sum(terms);
}

// rating_loss.hpp's rating_gradient.
inline ReferenceGradient reference_gradient(Bounded score, double rating, const RatingLoss& loss) {
  const Bounded inverse_variance(loss.inverse_variance);
  const RatingLink& link = loss.link;
  if (!link.has_range) {
    const Bounded prediction = Bounded(link.scale) * score;
    const Bounded error = prediction - Bounded(rating);
    return {prediction, error, error * Bounded(link.scale) * inverse_variance};
  }
  const Bounded span = Bounded(link.high) - Bounded(link.low);
  const Bounded s = bounded_sigmoid(score);
  const Bounded prediction = Bounded(link.low) + span * s;
  const Bounded error = prediction - Bounded(rating);
  return {prediction, error, error * span * s * (Bounded(1) - s) * inverse_variance};
}

// A batch in host memory.
struct HostBatch {
  std::vector<Row> users, items;
  std::vector<float> ratings;
  std::uint64_t size() const { return users.size(); }
};

// by_score * other + l2 * own, for each column.
inline std::vector<Bounded> reference_row_gradient(const Bounded& by_score, std::span<const Bounded> other,
                                                   std::span<const Bounded> own, double l2) {
  std::vector<Bounded> gradient(own.size());
  for (std::size_t c = 0; c < own.size(); ++c) gradient[c] = by_score * other[c] + Bounded(l2) * own[c];
  return gradient;
}

// What a rating puts on the rows that it touches.
struct ReferenceRatingGradients {
  Bounded error;
  std::vector<Bounded> user, item;  // [dim]
  Bounded user_bias, item_bias;     // zeros without biases
};

inline ReferenceRatingGradients reference_rating_gradients(const ReferenceMf& mf, Row user, Row item, float rating,
                                                           const RatingLoss& loss) {
  const ReferenceGradient g = reference_gradient(reference_score(mf, user, item, loss), rating, loss);
  ReferenceRatingGradients out;
  out.error = g.error;
  out.user = reference_row_gradient(g.by_score, mf.item_factors.row(item), mf.user_factors.row(user), loss.l2);
  out.item = reference_row_gradient(g.by_score, mf.user_factors.row(user), mf.item_factors.row(item), loss.l2);
  if (!loss.use_bias) return out;
  out.user_bias = g.by_score + Bounded(loss.l2_bias) * mf.user_bias.at(user, 0);
  out.item_bias = g.by_score + Bounded(loss.l2_bias) * mf.item_bias.at(item, 0);
  return out;
}

// Plain sequential SGD in batch order. Equal to any backend's rating_step where no two ratings share a row; then
// the order does not matter. Returns the sum of squared errors before each update.
inline Bounded reference_rating_step(ReferenceMf& mf, const HostBatch& batch, const RatingLoss& loss,
                                     const OptimizerStep& step) {
  std::vector<Bounded> squares;
  for (std::uint64_t n = 0; n < batch.size(); ++n) {
    const Row u = batch.users[n], i = batch.items[n];
    const ReferenceRatingGradients g = reference_rating_gradients(mf, u, i, batch.ratings[n], loss);
    squares.push_back(g.error * g.error);
    reference_update_row(mf.user_factors, u, g.user, step);
    reference_update_row(mf.item_factors, i, g.item, step);
    if (!loss.use_bias) continue;
    reference_update_row(mf.user_bias, u, {&g.user_bias, 1}, step);
    reference_update_row(mf.item_bias, i, {&g.item_bias, 1}, step);
  }
  return bounded_sum(squares);
}

// The same of a batch, summed for each distinct row of one side in ascending order.
struct ReferenceGradients {
  std::vector<Bounded> by_score;  // [n]
  std::vector<Row> rows;
  std::vector<Bounded> gradient;  // [rows, dim]
  std::vector<Bounded> bias;      // [rows]; zeros without biases
  Bounded squared_error;
};

inline ReferenceGradients reference_rating_gradients(const ReferenceMf& mf, const HostBatch& batch,
                                                     const RatingLoss& loss, RatingSide side) {
  ReferenceGradients out;
  std::vector<Bounded> squares;
  std::map<Row, std::vector<ReferenceRatingGradients>> of_rows;
  for (std::uint64_t n = 0; n < batch.size(); ++n) {
    const Row user = batch.users[n], item = batch.items[n];
    const ReferenceGradient g = reference_gradient(reference_score(mf, user, item, loss), batch.ratings[n], loss);
    squares.push_back(g.error * g.error);
    out.by_score.push_back(g.by_score);
    of_rows[side == RatingSide::kUsers ? user : item].push_back(
        reference_rating_gradients(mf, user, item, batch.ratings[n], loss));
  }
  out.squared_error = bounded_sum(squares);
  for (const auto& [row, ratings] : of_rows) {
    out.rows.push_back(row);
    const auto sum = [&](auto&& of) {
      std::vector<Bounded> terms;
      for (const ReferenceRatingGradients& g : ratings) terms.push_back(of(g));
      return bounded_sum(terms);
    };
    const bool by_user = side == RatingSide::kUsers;
    for (std::uint32_t c = 0; c < mf.user_factors.cols; ++c)
      out.gradient.push_back(sum([&](const auto& g) { return (by_user ? g.user : g.item)[c]; }));
    out.bias.push_back(sum([&](const auto& g) { return by_user ? g.user_bias : g.item_bias; }));
  }
  return out;
}

// Gradients [n, cols] of equal rows are summed, then each row is updated once.
inline void reference_update_rows(ReferenceTable& table, std::span<const Row> rows, std::span<const Bounded> gradient,
                                  const OptimizerStep& step) {
  std::map<Row, std::vector<std::uint64_t>> positions;
  for (std::uint64_t n = 0; n < rows.size(); ++n) positions[rows[n]].push_back(n);
  for (const auto& [row, batch] : positions) {
    std::vector<Bounded> sum(table.cols), terms(batch.size());
    for (std::uint32_t c = 0; c < table.cols; ++c) {
      for (std::size_t k = 0; k < batch.size(); ++k) terms[k] = gradient[batch[k] * table.cols + c];
      sum[c] = bounded_sum(terms);
    }
    reference_update_row(table, row, sum, step);
  }
}
inline void reference_update_rows(ReferenceTable& table, std::span<const Row> rows, MatrixView<const float> gradient,
                                  const OptimizerStep& step) {
  std::vector<Bounded> values;
  for (std::uint64_t n = 0; n < rows.size(); ++n)
    for (std::uint32_t c = 0; c < table.cols; ++c) values.emplace_back(gradient.row(n)[c]);
  reference_update_rows(table, rows, values, step);
}

inline std::vector<Bounded> reference_predictions(const ReferenceMf& mf, std::span<const Row> users,
                                                  std::span<const Row> items, const RatingLoss& loss) {
  std::vector<Bounded> out;
  for (std::size_t n = 0; n < users.size(); ++n)
    out.push_back(reference_gradient(reference_score(mf, users[n], items[n], loss), 0, loss).prediction);
  return out;
}

// Lists of rows in host memory, one a query.
struct HostLists {
  std::vector<std::uint64_t> offsets = {0};
  std::vector<Row> ids;
  void append(const std::vector<Row>& list) {
    ids.insert(ids.end(), list.begin(), list.end());
    offsets.push_back(ids.size());
  }
  std::span<const Row> list(std::uint64_t q) const { return {ids.data() + offsets[q], offsets[q + 1] - offsets[q]}; }
};

// The ranks a float32 backend may report: one number where no other score lies within the rounding of the target's.
struct RankRange {
  std::uint32_t low = 0, high = 0;
};

// Items with equal vectors and biases tie exactly. A target without a number for a score ranks last, and an item
// without one outranks no target that has one. `exact_scores`: float32 computes every score without rounding
// (small integers), so every rank is one number.
inline std::vector<RankRange> reference_ranks(MatrixView<const float> queries, MatrixView<const float> items,
                                              const float* item_bias, const HostLists& targets,
                                              const HostLists& excluded, bool exact_scores = false) {
  enum : char { kPlain, kTarget, kExcluded };
  std::vector<RankRange> ranks;
  std::vector<Bounded> score(items.rows);
  const auto bias = [&](Row i) { return item_bias == nullptr ? 0.0 : static_cast<double>(item_bias[i]); };
  const auto same_item = [&](Row a, Row b) {
    for (std::uint32_t c = 0; c < items.cols; ++c)
      if (items.row(a)[c] != items.row(b)[c]) return false;
    return bias(a) == bias(b);
  };
  for (std::uint64_t q = 0; q < queries.rows; ++q) {
    std::vector<char> role(items.rows, kPlain);
    for (Row i : targets.list(q)) role[i] = kTarget;
    for (Row i : excluded.list(q)) role[i] = kExcluded;
    for (Row i = 0; i < items.rows; ++i) {
      std::vector<Bounded> terms(items.cols);
      for (std::uint32_t c = 0; c < items.cols; ++c) terms[c] = Bounded(queries.row(q)[c]) * Bounded(items.row(i)[c]);
      score[i] = bounded_sum(terms) + Bounded(bias(i));
      if (exact_scores) score[i].error = 0;
    }
    for (Row t : targets.list(q)) {
      RankRange rank = {1, 1};
      for (Row i = 0; i < items.rows; ++i) {
        if (i == t || role[i] == kExcluded) continue;
        const double difference = score[i].value - score[t].value;
        const bool wins_ties = role[i] == kPlain || i < t;
        bool surely = std::isnan(score[t].value), possibly = surely;
        if (!surely && !std::isnan(score[i].value)) {
          const double slack = same_item(i, t) ? 0 : score[i].error + score[t].error;
          surely = difference > slack || (slack == 0 && difference == 0 && wins_ties);
          possibly = surely || (slack > 0 && std::abs(difference) <= slack);
        }
        rank.low += surely;
        rank.high += possibly;
      }
      ranks.push_back(rank);
    }
  }
  return ranks;
}

}  // namespace unfold::selfcheck
