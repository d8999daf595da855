// Sampled softmax converges to the softmax over the catalogue: with every sampler, its loss, denominator and gradients
// end within bounds that fall as one over the root of the number of draws and come from the sampler's probabilities and
// the scores alone.
#include "host/selfcheck/sampling_reference.hpp"
#include "tests/ops/sampled_softmax_fixture.hpp"

namespace unfold::test {
namespace {

// How often each row came, against q: chi-square, rows expected fewer than ten times as one.
void expect_frequencies(const std::vector<Row>& rows, const std::vector<double>& q) {
  std::vector<double> counts(q.size());
  for (const Row row : rows) {
    ASSERT_LT(row, q.size());
    counts[row] += 1;
  }
  const selfcheck::ChiSquare test = selfcheck::chi_square(counts, q);
  ASSERT_GE(test.freedom, 1);
  EXPECT_LE(test.statistic, selfcheck::chi_square_limit(test.freedom));
}

std::vector<double> expected_counts(std::vector<double> q, double n) {
  for (double& x : q) x *= n;
  return q;
}

std::vector<float> log_counts(const std::vector<Row>& rows, const std::vector<double>& count) {
  std::vector<float> out;
  for (const Row row : rows) out.push_back(static_cast<float>(std::log(count[row])));
  return out;
}

struct NamedSampler {
  const char* name;
  std::optional<double> alpha;  // none: uniform
};
const NamedSampler kSamplers[] = {{"uniform", {}}, {"popularity^0.75", 0.75}, {"popularity", 1.0}};

// Each query's own draws, known items rejected; the op gets their log_q and log(draws).
TEST_P(SampledSoftmax, PrivateDrawsConverge) {
  for (const auto& [name, alpha] : kSamplers) {
    SCOPED_TRACE(name);
    std::vector<double> bounds, errors;
    for (const std::uint32_t n : kDraws) {
      SCOPED_TRACE(n);
      const std::vector<double> q = alpha ? full().popular(*alpha, true) : full().uniform(true);
      const Drawn drawn = draw(n_private(), n, alpha, true);
      expect_frequencies(drawn.rows, q);
      const float log_draws = std::log(static_cast<float>(n));
      const Estimates got = estimate_private(n_private(), n, drawn.rows, drawn.log_q, log_draws);
      bounds.push_back(expect_converges(got, {{{double(n), q}}, expected_counts(q, n)}));
      errors.push_back(got.loss - full().loss);
    }
    expect_bounds_fall(std::string("own, ") + name, bounds, errors);
  }
}

// Draws that all queries share, of the whole catalogue: the op leaves out what the user knows.
TEST_P(SampledSoftmax, SharedDrawsConverge) {
  for (const auto& [name, alpha] : kSamplers) {
    if (alpha == 0.75) continue;
    SCOPED_TRACE(name);
    std::vector<double> bounds, errors;
    for (const std::uint32_t n : kDraws) {
      SCOPED_TRACE(n);
      const std::vector<double> q = alpha ? full().popular(*alpha, false) : full().uniform(false);
      Drawn drawn = draw(n_shared(), n, alpha, false);
      expect_frequencies(drawn.rows, q);
      for (float& x : drawn.log_q) x += std::log(static_cast<float>(n));
      const Estimates got = estimate_shared(n_shared(), drawn.rows, drawn.log_q);
      bounds.push_back(expect_converges(got, {{{double(n), q}}, expected_counts(q, n)}));
      errors.push_back(got.loss - full().loss);
    }
    expect_bounds_fall(std::string("shared, ") + name, bounds, errors);
  }
}

// The positives of a batch: the query's own, which its user knows, and those of n - 1 other interactions, so that each
// item comes as often as its frequency says. That the own one is no draw leaves out 1 / n of the sum.
class InBatch {
 public:
  InBatch(const CatalogueSoftmax& full, std::uint64_t batches, std::uint32_t n, std::uint32_t n_uniform)
      : q_(full.popular(1, false)), n_(n) {
    const AliasTable table = build_alias_table(q_);
    for (std::uint64_t batch = 0; batch < batches; ++batch) {
      for (std::uint32_t j = 0; j < n; ++j) {
        const RandomBlock bits = random_block(kDrawSeed, RandomPurpose::kSynthetic, n + n_uniform, batch * n + j);
        rows_.push_back(j == 0 ? CatalogueSoftmax::kPositive : draw_alias(table, bits));
        if (j > 0) others_.push_back(rows_.back());
      }
    }
  }
  const std::vector<Row>& rows() const { return rows_; }      // [batches, n]
  const std::vector<Row>& others() const { return others_; }  // [batches, n - 1]
  const std::vector<double>& q() const { return q_; }
  Sampling::Group group() const { return {n_ - 1.0, q_}; }

 private:
  std::vector<double> q_;
  std::uint32_t n_;
  std::vector<Row> rows_, others_;
};

TEST_P(SampledSoftmax, InBatchNegativesConverge) {
  std::vector<double> bounds, errors;
  for (const std::uint32_t n : kDraws) {
    SCOPED_TRACE(n);
    const InBatch batch(full(), n_shared(), n, 0);
    expect_frequencies(batch.others(), batch.q());
    const std::vector<double> count = expected_counts(batch.q(), n);
    const Estimates got = estimate_shared(n_shared(), batch.rows(), log_counts(batch.rows(), count));
    bounds.push_back(expect_converges(got, {{batch.group()}, count}));
    errors.push_back(got.loss - full().loss);
  }
  expect_bounds_fall("in-batch", bounds, errors);
}

// In-batch negatives and as many uniform draws, with counts that hold for the batch as it is: of popular items, or of
// one group of five alone.
TEST_P(SampledSoftmax, MixedNegativesConvergeInAnyBatch) {
  for (const Row n_items : {CatalogueSoftmax::kItems, Row{5}}) {
    SCOPED_TRACE(n_items);
    std::vector<double> bounds, errors;
    for (const std::uint32_t n : kDraws) {
      SCOPED_TRACE(n);
      const std::uint32_t n_half = n / 2;
      const InBatch batch(full(), 1, n_half, n_half);
      std::vector<Row> given = batch.rows();
      for (Row& row : given) row = n_items == CatalogueSoftmax::kItems ? row : 3 + row % n_items;
      std::vector<double> times(CatalogueSoftmax::kItems);
      for (const Row row : given) times[row] += 1;
      const Drawn drawn = draw(n_shared(), n_half, {}, false);
      std::vector<Row> rows;
      std::vector<float> log_count;
      for (std::uint64_t k = 0; k < n_shared(); ++k) {
        std::vector<Row> both = given;
        both.insert(both.end(), drawn.rows.begin() + k * n_half, drawn.rows.begin() + (k + 1) * n_half);
        const std::vector<float> counts = mixed_log_counts(given, both, n_half);
        rows.insert(rows.end(), both.begin(), both.end());
        log_count.insert(log_count.end(), counts.begin(), counts.end());
      }
      const double expected_draws = static_cast<double>(n_half) / CatalogueSoftmax::kItems;
      std::vector<double> count = times;
      for (double& x : count) x += expected_draws;
      const Estimates got = estimate_shared(n_shared(), rows, log_count);
      bounds.push_back(expect_converges(got, {{{static_cast<double>(n_half), full().uniform(false)}}, count, times}));
      errors.push_back(got.loss - full().loss);
    }
    expect_bounds_fall(fmt::format("in-batch of {}, uniform", n_items), bounds, errors);
  }
}

// Where the counts are left out, the loss is that of a catalogue in which popular items stand many times. As many draws
// as there may be bring it nearer to that, and not to the softmax.
TEST_P(SampledSoftmax, WithoutTheCorrectionPopularDrawsAreBiased) {
  const double n_unknown = static_cast<double>(CatalogueSoftmax::kItems - full().known.size());
  const std::vector<double> q = full().popular(1, true);
  double limit = full().positive_weight;
  for (Row i = 0; i < CatalogueSoftmax::kItems; ++i) limit += n_unknown * q[i] * full().weight[i];
  const double gap = std::log(limit / full().z);
  EXPECT_GT(gap, 0.2);
  for (const std::uint32_t n : kDraws) {
    const Drawn drawn = draw(n_private(), n, 1.0, true);
    const float log_draws = std::log(static_cast<float>(n / n_unknown));
    const Estimates got = estimate_private(n_private(), n, drawn.rows, {}, log_draws);
    const Sampling sampling{{{double(n), q}}, std::vector<double>(CatalogueSoftmax::kItems, n / n_unknown)};
    const Moments m = full().denominator(sampling);
    const double limit_loss = std::log(limit / full().positive_weight);
    const double bound = expect_loss(got.loss, limit_loss, m, limit, full().positive_weight / limit, got.n());
    fmt::print("{:24} {:4} draws: loss off by {:.5f}, at least {:.5f}\n", "without counts", n, got.loss - full().loss,
               gap - bound);
    EXPECT_GE(got.loss - full().loss, gap - bound - rounding());
    EXPECT_GT(gap - bound, n < kDraws[2] ? -1 : 0.5 * gap);
  }
}

// Hard negatives: M of a pool of uniform draws by score and noise, with the counts that the op gives. Inclusions of two
// candidates are uncorrelated given the (M + 1)-th key, as in priority sampling (Duffield, Lund and Thorup, Journal of
// the ACM 2007), so variances of the kept ones' sum add up: candidate i, of value a_i, adds at most
//   a_i^2 E[exp(k_i) / r_i] <= a_i^2 / r_i * (sum of the others' r) / (M - 1)
// with r = exp(s / T) and k_i the M-th key among the others: exp(-k_i) is the M-th of arrivals of rates r, no earlier
// than that of a Poisson process of their sum.
TEST_P(SampledSoftmax, ScoreWeightedNegativesConverge) {
  constexpr float kSelectionTemperature = 0.7f;
  const std::vector<double> q = full().uniform(true);
  std::vector<double> bounds, errors;
  for (const std::uint32_t n : kDraws) {
    SCOPED_TRACE(n);
    const std::uint32_t n_kept = n / 4;
    const Drawn pool = draw(n_private(), n, {}, true);
    const selfcheck::SelectedNegatives kept = select_by_score(pool, n, n_kept, kSelectionTemperature);
    const Estimates got = estimate_private(n_private(), n_kept, kept.rows, kept.log_count, 0);
    const Sampling sampling{{{double(n), q}}, expected_counts(q, n)};

    const auto kept_variance = [&](const std::vector<double>& value) {
      double squares = 0, rates = 0;  // of one draw: E[a^2 / r], E[r]
      for (Row i = 0; i < CatalogueSoftmax::kItems; ++i) {
        if (full().known.contains(i)) continue;
        const double rate = std::pow(full().weight[i], full().temperature / double{kSelectionTemperature});
        squares += q[i] * value[i] * value[i] / rate;
        rates += q[i] * rate;
      }
      return n * (n - 1.0) * squares * rates / (n_kept - 1);
    };
    std::vector<double> value(CatalogueSoftmax::kItems);
    for (Row i = 0; i < CatalogueSoftmax::kItems; ++i)
      value[i] = full().weight[i] / (n * q[CatalogueSoftmax::kItems - 1]);
    Moments m = full().denominator(sampling);
    m.variance += kept_variance(value);
    std::vector<Moments> excess;
    for (std::uint32_t c = 0; c < CatalogueSoftmax::kDim; ++c) {
      const double g = full().gradient[c] * full().temperature + full().positive_row[c];
      std::vector<double> part = value;
      for (Row i = 0; i < CatalogueSoftmax::kItems; ++i) part[i] *= double{full().items.at(i, c)} - g;
      excess.push_back(full().excess(sampling, c));
      excess.back().variance += kept_variance(part);
    }
    EXPECT_NEAR(mean(got.z), m.mean, kDeviations * std::sqrt(m.variance / got.n()) + full().z * rounding());
    expect_gradient(got, m, excess);
    bounds.push_back(expect_loss(got.loss, full().loss, m, full().z, full().positive_share(), got.n()));
    errors.push_back(got.loss - full().loss);
  }
  expect_bounds_fall("score-weighted, n / 4", bounds, errors);
}

// The first of a selection by score is a draw from exp(s / T) over the pool.
TEST_P(SampledSoftmax, TheHighestNoisyScoreIsADrawFromTheSoftmax) {
  constexpr float kSelectionTemperature = 0.4f;
  std::vector<Row> pool;
  std::vector<double> q(CatalogueSoftmax::kItems);
  for (Row i = 0; i < CatalogueSoftmax::kItems; ++i) {
    if (full().known.contains(i)) continue;
    pool.push_back(i);
    q[i] = std::pow(full().weight[i], full().temperature / double{kSelectionTemperature});
  }
  const double total = std::accumulate(q.begin(), q.end(), 0.0);
  for (double& x : q) x /= total;
  const auto n = static_cast<std::uint32_t>(pool.size());
  Drawn pools;
  for (std::uint64_t batch = 0; batch < (is_emulated() ? 1000u : 10000u); ++batch)
    pools.rows.insert(pools.rows.end(), pool.begin(), pool.end());
  expect_frequencies(select_by_score(pools, n, 1, kSelectionTemperature).rows, q);
}

UNFOLD_FOR_EVERY_BACKEND(SampledSoftmax);

}  // namespace
}  // namespace unfold::test
