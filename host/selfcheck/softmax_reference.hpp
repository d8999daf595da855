// sampled_softmax in float64: one query at a time, every negative with its vector, score and logit.
#pragma once

#include <cmath>
#include <set>
#include <span>
#include <vector>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/transform_reference.hpp"

namespace unfold::selfcheck {

// What sampled_softmax takes, in host memory. An empty array stands for a null one.
struct HostSoftmax {
  HostTable queries, positives;  // [n_queries, dim]
  std::vector<float> positive_bias = {}, weights = {};
  std::vector<Row> users = {};
  HostLists known = {};
  bool has_known = false;
  float log_temperature = 0;
  std::vector<float> thresholds = {};  // [users, threshold_stride]
  std::uint64_t threshold_stride = 1;

  HostTable shared;  // [shared_rows, dim]
  std::vector<Row> shared_rows = {};
  std::vector<float> shared_log_count = {}, shared_bias = {};
  TableType score_type = TableType::kFloat32;
  bool fused = false;

  HostTable items;
  bool normalize = false;
  std::uint32_t n_own = 0;
  std::vector<Row> own_rows = {};  // [n_queries, n_own]
  std::vector<float> own_log_count = {};
  float log_draws = 0;
  std::vector<float> item_bias = {};

  SoftmaxLoss loss;
  float scale = 1;

  std::uint64_t n_queries() const { return queries.rows; }
  std::uint32_t dim() const { return queries.cols; }
  // What a product of shared negatives multiplies or makes.
  Bounded in_product(const Bounded& x) const { return score_type == TableType::kBfloat16 ? perhaps_bfloat16(x) : x; }
  std::vector<Bounded> in_product(std::vector<Bounded> vector) const {
    for (Bounded& x : vector) x = in_product(x);
    return vector;
  }
  std::set<Row> known_set(std::uint64_t b) const {
    if (!has_known) return {};
    const std::span<const Row> list = known.list(users[b]);
    return {list.begin(), list.end()};
  }
};

inline Bounded value_or(const std::vector<float>& values, std::uint64_t n, float otherwise) {
  return values.empty() ? Bounded(otherwise) : Bounded(values[n]);
}

struct ReferenceNegativeItem {
  std::uint64_t place = 0;  // in the shared negatives, or in [n_queries, n_own]
  bool is_own = false;
  ReferenceVector vector;
  Bounded score, log_count;
  Bounded by_score;  // dL / d score, unscaled
};

// The negatives of query b that take part, with their scores.
inline std::vector<ReferenceNegativeItem> reference_negatives(const HostSoftmax& c, std::uint64_t b) {
  const std::vector<Bounded> query = reference_row(c.queries.view(), b);
  const std::set<Row> known = c.known_set(b);
  std::vector<ReferenceNegativeItem> out;
  for (std::uint64_t j = 0; j < c.shared_rows.size(); ++j) {
    if (known.contains(c.shared_rows[j])) continue;
    const std::vector<Bounded> row = c.in_product(reference_row(c.shared.view(), j));
    ReferenceNegativeItem item{j, false, reference_vector(row, false), {}, {}, {}};
    item.score = c.in_product(reference_dot(c.in_product(query), item.vector.values)) + value_or(c.shared_bias, j, 0);
    item.log_count = value_or(c.shared_log_count, j, 0);
    out.push_back(item);
  }
  for (std::uint64_t place = b * c.n_own; place < (b + 1) * c.n_own; ++place) {
    const Row row = c.own_rows[place];
    if (row == kNoRow) continue;
    ReferenceNegativeItem item{place, true, reference_vector(reference_row(c.items.view(), row), c.normalize),
                               {},    {},   {}};
    item.score = reference_dot(query, item.vector.values) + value_or(c.item_bias, row, 0);
    item.log_count = value_or(c.own_log_count, place, 0) + Bounded(c.log_draws);
    out.push_back(item);
  }
  return out;
}

// What a query's loss is made of, without `scale`.
struct ReferenceTerms {
  Bounded loss = 0, by_positive = 0, by_log_temperature = 0;
};

// The loss of scores alone, and its gradients; each negative's goes to its by_score.
inline ReferenceTerms reference_softmax_terms(const HostSoftmax& c, const Bounded& positive, const Bounded& inverse,
                                              std::vector<ReferenceNegativeItem>& negatives) {
  if (negatives.empty() && !c.loss.positive_in_denominator) return {};
  const Bounded logit = positive * inverse, a(c.loss.negative_weight), ratio(c.loss.positive_ratio);
  std::vector<Bounded> logits;
  for (const ReferenceNegativeItem& n : negatives) logits.push_back(n.score * inverse - n.log_count);
  const Bounded log_sum = bounded_log_sum_exp(logits);
  // Z in units of the positive's part of it, so that a loss near 0 has a bound as small.
  Bounded loss = a * log_sum - ratio * logit, by_log_sum = a, by_logit = Bounded(0) - ratio;
  if (c.loss.positive_in_denominator) {
    const Bounded odds = negatives.empty() ? log_sum : log_sum + Bounded(c.loss.log_denominator_share) - logit;
    loss = a * bounded_softplus(odds) + (a - ratio) * logit;
    by_log_sum = a * bounded_sigmoid(odds);
    by_logit = (a - ratio) - by_log_sum;
  }
  BoundedSum mean;  // of scores over T, which may come back from the logits
  for (std::size_t k = 0; k < negatives.size(); ++k) {
    const Bounded share = bounded_share(logits[k] - log_sum);
    negatives[k].by_score = by_log_sum * share * inverse;
    mean.add(share * (logits[k] + negatives[k].log_count));
  }
  return {loss, by_logit * inverse, Bounded(0) - (by_logit * logit + by_log_sum * mean)};
}

inline ReferenceTerms reference_bpr_terms(const Bounded& positive, const Bounded& inverse,
                                          std::vector<ReferenceNegativeItem>& negatives) {
  std::vector<Bounded> weights;
  for (const ReferenceNegativeItem& n : negatives) weights.push_back(Bounded(0) - n.log_count);
  const Bounded log_weights = bounded_log_sum_exp(weights);
  BoundedSum loss, by_positive, by_log_temperature;
  for (std::size_t k = 0; k < negatives.size(); ++k) {
    const Bounded weight = bounded_share(weights[k] - log_weights);
    const Bounded x = negatives[k].score * inverse - positive * inverse;
    const Bounded pull = weight * bounded_sigmoid(x);
    loss.add(weight * bounded_softplus(x));
    negatives[k].by_score = pull * inverse;
    by_positive.add(pull * inverse);
    by_log_temperature.add(pull * x);
  }
  return {loss, Bounded(0) - Bounded(by_positive), Bounded(0) - Bounded(by_log_temperature)};
}

struct ReferenceSoftmax {
  std::vector<Bounded> queries, positives, shared, own;  // [.., dim]
  std::vector<Bounded> positive_bias, shared_bias, own_bias, log_temperature;
  Bounded loss;
  std::uint64_t n_rejected = 0;
};

// Factors may be multiplied in one by one, at the end of a sum as at its beginning.
inline Bounded settled(const Bounded& x) { return rounded(x.value, x.error, 4); }

inline ReferenceSoftmax reference_sampled_softmax(const HostSoftmax& c) {
  const std::uint32_t dim = c.dim();
  const std::uint64_t n_shared = c.shared_rows.size();
  const Bounded inverse = bounded_exp(Bounded(-c.log_temperature));
  ReferenceSoftmax out;
  out.own.assign(c.own_rows.size() * dim, Bounded(0));
  out.own_bias.assign(c.own_rows.size(), Bounded(0));
  std::vector<BoundedSum> shared(n_shared * dim), shared_bias(n_shared);
  BoundedSum loss;
  for (std::uint64_t b = 0; b < c.n_queries(); ++b) {
    const std::vector<Bounded> query = reference_row(c.queries.view(), b);
    const std::vector<Bounded> positive = reference_row(c.positives.view(), b);
    const Bounded score = reference_dot(query, positive) + value_or(c.positive_bias, b, 0);
    std::vector<ReferenceNegativeItem> negatives = reference_negatives(c, b);
    const std::set<Row> known = c.known_set(b);
    for (const Row row : c.shared_rows) out.n_rejected += known.contains(row);
    const ReferenceTerms terms = c.loss.kind == SoftmaxLossKind::kBpr
                                     ? reference_bpr_terms(score, inverse, negatives)
                                     : reference_softmax_terms(c, score, inverse, negatives);
    Bounded factor = Bounded(c.scale) * value_or(c.weights, b, 1);
    if (!c.thresholds.empty()) {
      const Bounded threshold = c.thresholds[c.users[b] * c.threshold_stride];
      factor = factor * bounded_sigmoid((score - threshold) / Bounded(c.loss.weight_temperature));
    }
    loss.add(settled(factor * terms.loss));
    const Bounded by_positive = factor * terms.by_positive;
    out.positive_bias.push_back(settled(by_positive));
    out.log_temperature.push_back(settled(factor * terms.by_log_temperature));
    std::vector<BoundedSum> by_query(dim);
    for (std::uint32_t k = 0; k < dim; ++k) {
      by_query[k].add(by_positive * positive[k]);
      out.positives.push_back(settled(by_positive * query[k]));
    }
    const std::vector<Bounded> query_in_product = c.in_product(query);
    for (const ReferenceNegativeItem& n : negatives) {
      const Bounded by_score = n.is_own ? factor * n.by_score : c.in_product(factor * n.by_score);
      std::vector<Bounded> by_vector;
      for (std::uint32_t k = 0; k < dim; ++k) {
        by_query[k].add(by_score * n.vector.values[k]);
        by_vector.push_back(by_score * (n.is_own ? query : query_in_product)[k]);
      }
      if (n.is_own) {
        const std::vector<Bounded> by_row = reference_vector_gradient(n.vector, c.normalize, by_vector);
        for (std::uint32_t k = 0; k < dim; ++k) out.own[n.place * dim + k] = settled(by_row[k]);
        out.own_bias[n.place] = settled(by_score);
      } else {
        for (std::uint32_t k = 0; k < dim; ++k) shared[n.place * dim + k].add(by_vector[k]);
        shared_bias[n.place].add(by_score);
      }
    }
    for (const BoundedSum& sum : by_query) out.queries.push_back(settled(sum));
  }
  for (const BoundedSum& sum : shared) out.shared.push_back(settled(sum));
  for (const BoundedSum& sum : shared_bias) out.shared_bias.push_back(settled(sum));
  out.loss = settled(loss);
  return out;
}

}  // namespace unfold::selfcheck
