// What sampled softmax must converge to, and how fast: the full softmax of one query over a small catalogue in float64,
// and the exact moments of its estimates by any sampler.
//
// A query's negatives are independent draws; a draw of item i adds f_i = exp(s_i / T) / c_i to the estimate Z^ of the
// denominator Z, or 0 where the user knows i. So the mean of Z^ and its variance are sums over the catalogue. The loss
// is log Z^ and gradients are ratios A^ / Z^, whose bias and spread are bounded by those of Z^ and of A^ - G Z^ (G
// being the full gradient), because Z^ is never below the positive's share of Z.
#pragma once

#include <cmath>
#include <set>
#include <vector>

#include "host/selfcheck/softmax_inputs.hpp"
#include "unfold/alias_table.hpp"

namespace unfold::test {

// Mean, variance and fourth cumulant of a sum of independent parts.
struct Moments {
  double mean = 0, variance = 0, fourth = 0;
};

// n draws from q each add one of `values`.
inline Moments moments_of_draws(double n, const std::vector<double>& q, const std::vector<double>& values) {
  double mean = 0, second = 0, fourth = 0;
  for (std::size_t i = 0; i < q.size(); ++i) mean += q[i] * values[i];
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double d = values[i] - mean;
    second += q[i] * d * d;
    fourth += q[i] * d * d * d * d;
  }
  return {n * mean, n * second, n * (fourth - 3 * second * second)};
}

// Independent draws of a batch: groups of n from q each. An item counts as 1 / count, in the op's words
// exp(-log_count).
struct Sampling {
  struct Group {
    double n;
    std::vector<double> q;  // [n_items]
  };
  std::vector<Group> groups;
  std::vector<double> count;       // [n_items]
  std::vector<double> given = {};  // [n_items] times that an item is there whatever is drawn; empty: none
};

// A user who knows five items, one of them the query's positive, in a catalogue where popular items score higher.
struct CatalogueSoftmax {
  static constexpr Row kItems = 40, kPositive = 5;
  static constexpr std::uint32_t kDim = 6;
  static constexpr float kLogTemperature = -0.7f;

  selfcheck::HostTable query, items;  // [1, dim], [n_items, dim]
  std::vector<float> bias;            // [n_items]
  std::set<Row> known = {2, kPositive, 11, 17, 30};
  std::vector<std::uint64_t> frequency;  // [n_items]: interactions of each item
  double temperature = std::exp(static_cast<double>(kLogTemperature));
  std::vector<double> weight;  // [n_items] exp(s_i / T), 0 of known items
  double positive_weight = 0;
  std::vector<double> positive_row;  // [dim]
  double z = 0, loss = 0, largest_logit = 0;
  std::vector<double> gradient;  // [dim] by the query

  explicit CatalogueSoftmax(std::uint64_t seed, std::uint32_t stride)
      : query(1, kDim, stride), items(kItems, kDim, stride) {
    std::mt19937_64 random(seed);
    query = selfcheck::random_table(random, 1, kDim, stride, 0.6f);
    items = selfcheck::random_table(random, kItems, kDim, stride, 0.6f);
    for (Row i = 0; i < kItems; ++i) {
      frequency.push_back(600 / (i + 1) + 5);
      bias.push_back(0.2f * std::log(static_cast<float>(frequency[i]) / 20));
    }
    bias[kPositive] = 1.9f;  // about a third of Z
    weight.resize(kItems);
    for (Row i = 0; i < kItems; ++i) {
      double score = bias[i];
      for (std::uint32_t c = 0; c < kDim; ++c) score += double{query.at(0, c)} * double{items.at(i, c)};
      largest_logit = std::max(largest_logit, std::abs(score / temperature));
      if (i == kPositive) positive_weight = std::exp(score / temperature);
      if (!known.contains(i)) weight[i] = std::exp(score / temperature);
    }
    z = positive_weight;
    for (const double w : weight) z += w;
    loss = std::log(z / positive_weight);
    for (std::uint32_t c = 0; c < kDim; ++c) {
      positive_row.push_back(items.at(kPositive, c));
      double sum = positive_weight * positive_row[c];
      for (Row i = 0; i < kItems; ++i) sum += weight[i] * double{items.at(i, c)};
      gradient.push_back((sum / z - positive_row[c]) / temperature);
    }
  }

  double positive_share() const { return positive_weight / z; }

  // Of Z^.
  Moments denominator(const Sampling& sampling) const {
    return sum(sampling, positive_weight, [&](Row i) { return weight[i]; });
  }
  // Of A^ - G Z^ in column c: 0 on average where Z^ is Z on average.
  Moments excess(const Sampling& sampling, std::uint32_t c) const {
    const double g = gradient[c] * temperature + positive_row[c];  // sum of shares times rows
    return sum(sampling, positive_weight * (positive_row[c] - g),
               [&](Row i) { return weight[i] * (double{items.at(i, c)} - g); });
  }

  std::vector<double> uniform(bool among_unknown) const {
    std::vector<double> q(kItems, 1.0 / (among_unknown ? kItems - known.size() : kItems));
    for (const Row i : known) q[i] = among_unknown ? 0 : q[i];
    return q;
  }
  // frequency^alpha, renormalized.
  std::vector<double> popular(double alpha, bool among_unknown) const {
    std::vector<double> q = popularity_weights(frequency, alpha);
    if (among_unknown)
      for (const Row i : known) q[i] = 0;
    const double total = std::accumulate(q.begin(), q.end(), 0.0);
    for (double& x : q) x /= total;
    return q;
  }

 private:
  template <typename Value>
  Moments sum(const Sampling& sampling, double constant, Value&& value) const {
    Moments out{constant, 0, 0};
    std::vector<double> values(kItems);
    for (Row i = 0; i < kItems; ++i) values[i] = sampling.count[i] > 0 ? value(i) / sampling.count[i] : 0;
    for (const Sampling::Group& group : sampling.groups) {
      const Moments part = moments_of_draws(group.n, group.q, values);
      out.mean += part.mean;
      out.variance += part.variance;
      out.fourth += part.fourth;
    }
    for (std::size_t i = 0; i < sampling.given.size(); ++i) out.mean += sampling.given[i] * values[i];
    return out;
  }
};

// Estimates of independent batches, as the op gave them.
struct Estimates {
  std::vector<double> z;         // [batches]
  std::vector<double> gradient;  // [dim], their mean
  double loss = 0;               // their mean
  double n() const { return static_cast<double>(z.size()); }
};

}  // namespace unfold::test
