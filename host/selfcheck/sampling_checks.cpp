// The op that draws negatives, against the same counters on the host and against its own probabilities.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/sampling_reference.hpp"

namespace unfold::selfcheck {
namespace {

constexpr std::uint64_t kSeed = 77;
constexpr std::uint32_t kStep = 5;

// Items weighted like popularity, and what each of a few users knows of them: nothing, one, some, the popular ones,
// all but one, all.
struct SamplingCase {
  std::uint32_t n_items;
  std::optional<AliasTable> table;  // none: uniform
  HostLists known;
  std::vector<float> unknown_mass;

  SamplingCase(std::mt19937_64& random, std::uint32_t items, bool uniform) : n_items(items) {
    std::vector<Row> all(n_items);
    std::iota(all.begin(), all.end(), Row{0});
    std::vector<Row> some;
    std::sample(all.begin(), all.end(), std::back_inserter(some), n_items / 3, random);
    known.append({});
    known.append({static_cast<Row>(n_items - 1)});
    known.append(some);
    known.append({all.begin(), all.begin() + n_items / 2});
    known.append({all.begin(), all.end() - 1});
    known.append(all);
    if (uniform) return;
    std::vector<double> weights;
    for (Row item = 0; item < n_items; ++item) weights.push_back(std::pow(item + 1.0, -1.2));
    if (n_items > 4) weights[n_items - 2] = 0;
    table = build_alias_table(weights);
    unknown_mass = log_unknown_masses(*table, known.offsets, known.ids);
  }
  const AliasTable* alias_table() const { return table ? &*table : nullptr; }
  std::set<Row> known_set(Row user) const {
    const std::span<const Row> list = known.list(user);
    return {list.begin(), list.end()};
  }
  static constexpr Row kUsers = 6;
  static constexpr Row kUserWhoKnowsAll = 5;
};

struct Drawn {
  std::vector<Row> negatives;
  std::vector<float> log_q;
  std::uint64_t n_rejected = 0;
};

// The case in a backend's memory.
class DeviceSampling {
 public:
  DeviceSampling(Backend& backend, const SamplingCase& c)
      : backend_(backend),
        thresholds_(backend, c.table ? c.table->thresholds : std::vector<std::uint32_t>()),
        aliases_(backend, c.table ? c.table->aliases : std::vector<Row>()),
        log_q_(backend, c.table ? c.table->log_q : std::vector<float>()),
        unknown_mass_(backend, c.unknown_mass),
        offsets_(backend, c.known.offsets),
        ids_(backend, c.known.ids) {
    sampler_.n_items = c.n_items;
    if (!c.table) return;
    sampler_.alias_threshold = thresholds_.data();
    sampler_.alias = aliases_.data();
    sampler_.log_q = log_q_.data();
    sampler_.log_unknown_mass = unknown_mass_.data();
  }

  Drawn draw(const std::vector<Row>& queries, std::uint32_t n_negatives, std::uint64_t first_position = 0,
             bool with_known = true) const {
    const GuardedArray<Row> device_queries(backend_, queries);
    const GuardedArray<Row> negatives(backend_, queries.size() * n_negatives);
    const GuardedArray<float> log_q(backend_, queries.size() * n_negatives);
    const GuardedArray<std::uint64_t> rejected(backend_, std::vector<std::uint64_t>{1000});
    const RowLists known = with_known ? RowLists{offsets_.data(), ids_.data()} : RowLists{};
    run_op(backend_, DrawNegatives{.sampler = sampler_,
                                   .key = {kSeed, kStep, first_position},
                                   .queries = with_known ? device_queries.data() : nullptr,
                                   .n_queries = queries.size(),
                                   .n_negatives = n_negatives,
                                   .known = known,
                                   .negatives = negatives.data(),
                                   .log_q = log_q.data(),
                                   .n_rejected = rejected.data()});
    return {negatives.download(), log_q.download(), rejected.download()[0] - 1000};
  }

 private:
  Backend& backend_;
  NegativeSampler sampler_;
  GuardedArray<std::uint32_t> thresholds_;
  GuardedArray<Row> aliases_;
  GuardedArray<float> log_q_, unknown_mass_;
  GuardedArray<std::uint64_t> offsets_;
  GuardedArray<Row> ids_;
};

void draw_negatives_has_the_bits_of_the_counters(CheckRun& run) {
  constexpr std::uint32_t kNegatives = 3;
  for (const bool uniform : {true, false}) {
    for (const std::uint32_t n_items : {1u, 2u, 50u, 1000u}) {
      const Checker::Scope scope("uniform {} items {}", uniform, n_items);
      const SamplingCase c(run.random, n_items, uniform);
      const DeviceSampling device(run.backend, c);
      const std::vector<Row> queries = random_rows(run.random, SamplingCase::kUsers, 200);
      const Drawn got = device.draw(queries, kNegatives);
      std::uint64_t rejected = 0;
      for (std::uint64_t slot = 0; slot < got.negatives.size(); ++slot) {
        const std::set<Row> known = c.known_set(queries[slot / kNegatives]);
        const ReferenceNegative expected = reference_negative(c.alias_table(), n_items, known, kSeed, kStep, slot);
        rejected += expected.n_rejected;
        if (!run.check.that(got.negatives[slot] == expected.row, "slot {}: row {}, expected {}", slot,
                            got.negatives[slot], expected.row))
          return;
      }
      run.check.that(got.n_rejected == rejected, "{} rejected, expected {}", got.n_rejected, rejected);
    }
  }
}

void draw_negatives_does_not_depend_on_the_batch(CheckRun& run) {
  constexpr std::uint32_t kNegatives = 4;
  const SamplingCase c(run.random, 300, false);
  const DeviceSampling device(run.backend, c);
  const std::vector<Row> queries = random_rows(run.random, SamplingCase::kUsers, 1000);
  const Drawn whole = device.draw(queries, kNegatives);
  Drawn parts;
  for (const auto& [first, last] : {std::pair{0, 1}, {1, 1}, {1, 513}, {513, 1000}}) {
    const Drawn part =
        device.draw({queries.begin() + first, queries.begin() + last}, kNegatives, static_cast<std::uint64_t>(first));
    parts.negatives.insert(parts.negatives.end(), part.negatives.begin(), part.negatives.end());
    parts.log_q.insert(parts.log_q.end(), part.log_q.begin(), part.log_q.end());
    parts.n_rejected += part.n_rejected;
  }
  run.check.that(parts.negatives == whole.negatives, "other rows in other batches");
  run.check.that(same_bits(parts.log_q, whole.log_q), "other probabilities in other batches");
  run.check.that(parts.n_rejected == whole.n_rejected, "other rejections in other batches");
}

// One query's draws against their probabilities: what is reported, and how often each comes.
void expect_distribution(const SamplingCase& c, const std::set<Row>& known, const Drawn& got) {
  Checker& check = Checker::current();
  const std::vector<double> expected = reference_negative_probabilities(c.alias_table(), c.n_items, known);
  std::vector<double> counts(c.n_items);
  for (std::size_t n = 0; n < got.negatives.size(); ++n) {
    const Row row = got.negatives[n];
    if (!check.that(row < c.n_items && !known.contains(row), "drew row {}", row)) return;
    counts[row] += 1;
    // A logarithm of up to 30, taken of float32 numbers: some roundings of it, and of what it is taken of.
    const double log_q = std::log(expected[row]);
    if (!check.near(got.log_q[n], {log_q, 16 * kUnitRoundoff * (2 + std::abs(log_q))}, "log q of row {}", row)) return;
  }
  const ChiSquare test = chi_square(counts, expected);
  if (test.freedom < 1) return;
  check.that(test.statistic <= chi_square_limit(test.freedom), "chi-square {} of {} degrees of freedom, at most {}",
             test.statistic, test.freedom, chi_square_limit(test.freedom));
}

void draw_negatives_draws_what_it_reports(CheckRun& run) {
  const std::uint64_t n_queries = run.thorough ? 20000 : 5000;
  for (const bool uniform : {true, false}) {
    const SamplingCase c(run.random, 120, uniform);
    const DeviceSampling device(run.backend, c);
    for (Row user = 0; user < SamplingCase::kUsers; ++user) {
      const Checker::Scope scope("uniform {} user {}", uniform, user);
      const Drawn got = device.draw(std::vector<Row>(n_queries, user), 2);
      if (user == SamplingCase::kUserWhoKnowsAll) {
        for (std::size_t n = 0; n < got.negatives.size(); ++n)
          if (!run.check.that(got.negatives[n] == kNoRow && got.log_q[n] == 0, "drew row {}", got.negatives[n])) return;
        continue;
      }
      expect_distribution(c, c.known_set(user), got);
    }
    const Checker::Scope scope("uniform {} nothing known", uniform);
    expect_distribution(c, {}, device.draw(std::vector<Row>(n_queries, 0), 2, 0, false));
  }
}

// Given rows repeat; rows are given ones and others, in several batches that use the same counters.
void mixed_log_counts_adds_what_is_given(CheckRun& run) {
  constexpr Row kItems = 50;
  const GuardedArray<std::uint32_t> times(run.backend, std::vector<std::uint32_t>(kItems));
  for (const std::uint64_t n_given : {0u, 1u, 700u}) {
    for (const std::uint64_t n : {0u, 1u, 900u}) {
      for (const float expected : {0.01f, 3.5f}) {
        const Checker::Scope scope("given {} rows {} expected {}", n_given, n, expected);
        const std::vector<Row> given = random_rows(run.random, kItems / 2, n_given);
        const std::vector<Row> rows = random_rows(run.random, kItems, n);
        const GuardedArray<Row> device_given(run.backend, given), device_rows(run.backend, rows);
        const GuardedArray<float> log_count(run.backend, n);
        run_op(run.backend, MixedLogCounts{.given = device_given.data(),
                                           .n_given = n_given,
                                           .rows = device_rows.data(),
                                           .n_rows = n,
                                           .expected_draws = expected,
                                           .times = times.data(),
                                           .log_count = log_count.data()});
        const std::vector<float> got = log_count.download();
        for (std::uint64_t k = 0; k < n; ++k) {
          const auto count = static_cast<double>(std::ranges::count(given, rows[k]));
          const double log = std::log(static_cast<double>(expected) + count);
          // The sum is rounded once, its logarithm twice.
          if (!run.check.near(got[k], {log, kUnitRoundoff * (2 + 2 * std::abs(log))}, "row {}", k)) return;
        }
        run.check.that(times.download() == std::vector<std::uint32_t>(kItems), "counters are not zero afterwards");
      }
    }
  }
}

constexpr OpCheck kDrawNegativesChecks[] = {
    {"DrawNegativesHasTheBitsOfTheCounters", draw_negatives_has_the_bits_of_the_counters},
    {"DrawNegativesDoesNotDependOnTheBatch", draw_negatives_does_not_depend_on_the_batch},
    {"DrawNegativesDrawsWhatItReports", draw_negatives_draws_what_it_reports},
};
constexpr OpCheck kMixedLogCountsChecks[] = {
    {"MixedLogCountsAddsWhatIsGiven", mixed_log_counts_adds_what_is_given},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<DrawNegatives>() {
  return kDrawNegativesChecks;
}

template <>
std::span<const OpCheck> checks_of<MixedLogCounts>() {
  return kMixedLogCountsChecks;
}

}  // namespace unfold::selfcheck
