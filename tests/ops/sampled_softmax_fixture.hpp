// Sampled softmax of a small catalogue on every backend, with negatives drawn and chosen by its ops, and the bounds
// that its estimates must keep. A bound is `kDeviations` standard errors, with what an estimate may be off on average.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "host/selfcheck/hard_negative_inputs.hpp"
#include "tests/ops/parity.hpp"
#include "tests/ops/softmax_sampling.hpp"

namespace unfold::test {

inline constexpr double kDeviations = 5;
inline constexpr std::uint32_t kDraws[] = {16, 64, 256};

inline constexpr std::uint64_t kDrawSeed = 0xA24BAED4963EE407u;

class SampledSoftmax : public BackendParity {
 protected:
  static constexpr Row kUser = 1;  // of known_lists

  void SetUp() override {
    BackendParity::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    full_.emplace(kSeed, backend().row_stride(CatalogueSoftmax::kDim));
    fmt::print("seeds {} and {}\n", kSeed, kDrawSeed);
  }
  const CatalogueSoftmax& full() const { return *full_; }

  // Batches of a private sampler, which are queries of one call; and of a shared one, a call each.
  std::uint64_t n_private() const { return is_emulated() ? 150 : 600; }
  std::uint64_t n_shared() const { return is_emulated() ? 50 : 250; }

  struct Drawn {
    std::vector<Row> rows;     // [batches, n]
    std::vector<float> log_q;  // [batches, n]
  };

  // n rows for each of `batches` queries: uniform, or by frequency^alpha; `among_unknown` without what the user knows.
  Drawn draw(std::uint64_t batches, std::uint32_t n, std::optional<double> alpha, bool among_unknown) {
    using selfcheck::GuardedArray;
    const selfcheck::HostLists lists = known_lists();
    NegativeSampler sampler;
    sampler.n_items = CatalogueSoftmax::kItems;
    AliasTable table;
    if (alpha) table = build_alias_table(popularity_weights(full().frequency, *alpha));
    const GuardedArray<std::uint32_t> thresholds(backend(), table.thresholds);
    const GuardedArray<Row> aliases(backend(), table.aliases), ids(backend(), lists.ids);
    const GuardedArray<float> log_q(backend(), table.log_q);
    const GuardedArray<std::uint64_t> offsets(backend(), lists.offsets);
    const GuardedArray<float> masses(
        backend(), alpha ? log_unknown_masses(table, lists.offsets, lists.ids) : std::vector<float>());
    if (alpha) {
      sampler.alias_threshold = thresholds.data();
      sampler.alias = aliases.data();
      sampler.log_q = log_q.data();
      sampler.log_unknown_mass = masses.data();
    }
    const GuardedArray<Row> queries(backend(), std::vector<Row>(batches, kUser)), rows(backend(), batches * n);
    const GuardedArray<float> drawn_log_q(backend(), batches * n);
    const GuardedArray<std::uint64_t> rejected(backend(), std::vector<std::uint64_t>{0});
    backend().run(DrawNegatives{.sampler = sampler,
                                .key = {kDrawSeed, n, 0},
                                .queries = among_unknown ? queries.data() : nullptr,
                                .n_queries = batches,
                                .n_negatives = n,
                                .known = among_unknown ? RowLists{offsets.data(), ids.data()} : RowLists{},
                                .negatives = rows.data(),
                                .log_q = drawn_log_q.data(),
                                .n_rejected = rejected.data()});
    return {rows.download(), drawn_log_q.download()};
  }

  // Of `rows`, `given` being among them and n others drawn from all items alike.
  std::vector<float> mixed_log_counts(const std::vector<Row>& given, const std::vector<Row>& rows, std::uint32_t n) {
    using selfcheck::GuardedArray;
    const GuardedArray<Row> device_given(backend(), given), device_rows(backend(), rows);
    const GuardedArray<std::uint32_t> times(backend(), std::vector<std::uint32_t>(CatalogueSoftmax::kItems));
    const GuardedArray<float> log_count(backend(), rows.size());
    backend().run(MixedLogCounts{.given = device_given.data(),
                                 .n_given = given.size(),
                                 .rows = device_rows.data(),
                                 .n_rows = rows.size(),
                                 .expected_draws = static_cast<float>(n) / CatalogueSoftmax::kItems,
                                 .times = times.data(),
                                 .log_count = log_count.data()});
    return log_count.download();
  }

  // The catalogue's query `batches` times, each with n own negatives.
  Estimates estimate_private(std::uint64_t batches, std::uint32_t n, const std::vector<Row>& rows,
                             const std::vector<float>& log_count, float log_draws) {
    for (const Row row : rows) EXPECT_FALSE(full().known.contains(row)) << "a known item is a negative";
    selfcheck::HostSoftmax c = softmax_of(batches);
    c.n_own = n;
    c.own_rows = rows;
    c.own_log_count = log_count;
    c.log_draws = log_draws;
    Estimates out;
    add(run_softmax(backend(), c), out);
    return finished(out);
  }

  // One call a batch of n shared negatives. Those that the user knows are no negatives.
  Estimates estimate_shared(std::uint64_t batches, const std::vector<Row>& rows, const std::vector<float>& log_count) {
    const std::size_t n = rows.size() / batches;
    Estimates out;
    for (std::uint64_t batch = 0; batch < batches; ++batch) {
      selfcheck::HostSoftmax c = softmax_of(1);
      c.has_known = true;
      c.shared_rows.assign(rows.begin() + batch * n, rows.begin() + (batch + 1) * n);
      if (!log_count.empty())
        c.shared_log_count.assign(log_count.begin() + batch * n, log_count.begin() + (batch + 1) * n);
      c.shared = selfcheck::HostTable(n, CatalogueSoftmax::kDim, full().items.stride);
      for (std::size_t j = 0; j < n; ++j) {
        std::copy_n(full().items.view().row(c.shared_rows[j]), c.shared.stride, &c.shared.values[j * c.shared.stride]);
        c.shared_bias.push_back(full().bias[c.shared_rows[j]]);
      }
      const selfcheck::SoftmaxOutputs got = run_softmax(backend(), c);
      std::uint64_t rejected = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const bool is_known = full().known.contains(c.shared_rows[j]);
        rejected += is_known;
        EXPECT_EQ(got.shared_bias[j] == 0, is_known) << "row " << c.shared_rows[j];
      }
      EXPECT_EQ(got.n_rejected - selfcheck::kRejectedBefore, rejected);
      add(got, out);
    }
    return finished(out);
  }

  // n_kept of each batch's n own candidates, by score and noise.
  selfcheck::SelectedNegatives select_by_score(const Drawn& pool, std::uint32_t n, std::uint32_t n_kept,
                                               float temperature) {
    const std::uint64_t batches = pool.rows.size() / n;
    const selfcheck::HostSoftmax c = softmax_of(batches);
    selfcheck::HostSelection selection{.queries = c.queries,
                                       .positives = c.positives,
                                       .users = c.users,
                                       .is_shared = false,
                                       .vectors = c.items,
                                       .bias = c.item_bias,
                                       .rows = pool.rows,
                                       .log_count = pool.log_q,
                                       .log_draws = std::log(static_cast<float>(n)),
                                       .n = n,
                                       .row_stride = n,
                                       .hardness = {}};
    selection.hardness.kind = HardnessKind::kScoreWeighted;
    selection.hardness.n_kept = n_kept;
    selection.hardness.temperature = temperature;
    selection.hardness.key = {kDrawSeed, n, 0};
    return run_selection(backend(), selection);
  }

  // Denominator, loss and gradient within their bounds; returns that of the loss.
  double expect_converges(const Estimates& got, const Sampling& sampling) {
    const double n = got.n(), z = full().z, share = full().positive_share();
    const Moments m = full().denominator(sampling);
    // The mean, with the deviation known exactly; and the mean square, whose own deviation is.
    EXPECT_NEAR(mean(got.z), m.mean, kDeviations * std::sqrt(m.variance / n) + z * rounding());
    EXPECT_NEAR(mean_square(got.z, m.mean), m.variance,
                kDeviations * std::sqrt((m.fourth + 2 * m.variance * m.variance) / n) + z * z * rounding());
    std::vector<Moments> excess;
    for (std::uint32_t c = 0; c < CatalogueSoftmax::kDim; ++c) excess.push_back(full().excess(sampling, c));
    expect_gradient(got, m, excess);
    return expect_loss(got.loss, full().loss, m, z, share, n);
  }

  // With x = Z^ / Z - 1, never below share - 1: |log(1 + x) - x| <= x^2 / (2 share^2), |log(1 + x)| <= |x| / share.
  double expect_loss(double got, double expected, const Moments& m, double z, double share, double n) {
    const double bias = m.mean / z - 1, square = m.variance / (z * z) + bias * bias;
    const double bound = std::abs(bias) + square / (2 * share * share) + kDeviations * std::sqrt(square / n) / share;
    EXPECT_NEAR(got, expected, bound + rounding());
    return bound;
  }

  // A^ / Z^ - G = D / Z^, where D = A^ - G Z^ and |1 / Z^ - 1 / Z| <= |x| / (Z share).
  void expect_gradient(const Estimates& got, const Moments& m, const std::vector<Moments>& excess) {
    const double n = got.n(), z = full().z, share = full().positive_share(), bias = m.mean / z - 1;
    const double square = m.variance / (z * z) + bias * bias;
    for (std::uint32_t c = 0; c < CatalogueSoftmax::kDim; ++c) {
      const double d = excess[c].mean / z;
      const double d_square = excess[c].variance / (z * z) + d * d;
      const double bound =
          std::abs(d) + std::sqrt(d_square * square) / share + kDeviations * std::sqrt(d_square / n) / share;
      EXPECT_NEAR(got.gradient[c], full().gradient[c], (bound + rounding()) / full().temperature) << "column " << c;
    }
  }

  // Bounds at n, 4 n and 16 n draws: each is at most a little more than half of the one before.
  static void expect_bounds_fall(const std::string& sampler, const std::vector<double>& bounds,
                                 const std::vector<double>& errors) {
    for (std::size_t k = 0; k < bounds.size(); ++k) {
      fmt::print("{:24} {:4} draws: loss off by {:.5f}, at most {:.5f}\n", sampler, kDraws[k], errors[k], bounds[k]);
      EXPECT_LT(bounds[k], k == 0 ? 1 : 0.51 * bounds[k - 1]);
    }
  }

  // float32's: of scores and logits, of the sum of exponentials, and of the share that Z^ is taken from.
  double rounding() const {
    return (CatalogueSoftmax::kDim + kDraws[2] + 64) * selfcheck::kUnitRoundoff * (2 + full().largest_logit) /
           full().positive_share();
  }

  static double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
  static double mean_square(const std::vector<double>& values, double about) {
    double sum = 0;
    for (const double x : values) sum += (x - about) * (x - about);
    return sum / static_cast<double>(values.size());
  }

  selfcheck::HostLists known_lists() const {
    selfcheck::HostLists lists;
    lists.append({});
    lists.append({full().known.begin(), full().known.end()});
    return lists;
  }
  bool is_emulated() const { return std::string(GetParam()) == "Emulated"; }

 private:
  selfcheck::HostSoftmax softmax_of(std::uint64_t n_queries) const {
    const std::uint32_t stride = full().items.stride;
    selfcheck::HostSoftmax c{.queries = selfcheck::HostTable(n_queries, CatalogueSoftmax::kDim, stride),
                             .positives = selfcheck::HostTable(n_queries, CatalogueSoftmax::kDim, stride),
                             .positive_bias = std::vector<float>(n_queries, full().bias[CatalogueSoftmax::kPositive]),
                             .users = std::vector<Row>(n_queries, kUser),
                             .known = known_lists(),
                             .log_temperature = CatalogueSoftmax::kLogTemperature,
                             .shared = selfcheck::HostTable(0, CatalogueSoftmax::kDim, stride),
                             .items = full().items,
                             .item_bias = full().bias,
                             .loss = {}};
    for (std::uint64_t b = 0; b < n_queries; ++b) {
      std::ranges::copy(full().query.values, &c.queries.values[b * stride]);
      std::copy_n(full().items.view().row(CatalogueSoftmax::kPositive), stride, &c.positives.values[b * stride]);
    }
    return c;
  }

  // Z^ from each positive's share of it, which its bias's gradient gives: (share - 1) / T.
  void add(const selfcheck::SoftmaxOutputs& got, Estimates& to) const {
    to.loss += got.loss - selfcheck::kLossBefore;
    to.gradient.resize(CatalogueSoftmax::kDim);
    for (std::size_t b = 0; b < got.positive_bias.size(); ++b) {
      to.z.push_back(full().positive_weight / (1 + static_cast<double>(got.positive_bias[b]) * full().temperature));
      for (std::uint32_t c = 0; c < CatalogueSoftmax::kDim; ++c)
        to.gradient[c] += got.queries[b * full().items.stride + c];
    }
  }
  static Estimates finished(Estimates sums) {
    sums.loss /= sums.n();
    for (double& x : sums.gradient) x /= sums.n();
    return sums;
  }

  std::optional<CatalogueSoftmax> full_;
};

}  // namespace unfold::test
