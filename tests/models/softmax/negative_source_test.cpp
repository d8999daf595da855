// What negatives are drawn from and how often each is expected, against counts and float64.
#include "host/models/softmax/negative_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "tests/ops/parity.hpp"
#include "tests/support/columns.hpp"

namespace unfold {
namespace {

using selfcheck::Bounded;
using selfcheck::GuardedArray;

constexpr std::uint32_t kUsers = 12, kItems = 30;
constexpr std::uint64_t kBatch = 24, kLastBatch = 5;
constexpr std::uint32_t kNegatives = 64;
constexpr std::uint64_t kDrawSeed = 3;

// Items that are chosen less and less, rated 1 to 5. User 0 chose them all, and user 1 none.
struct World : test::Columns {
  SeenItems seen;
  std::vector<double> counts = std::vector<double>(kItems);  // users of each item

  World() {
    for (Row user = 0; user < kUsers; ++user) {
      for (Row item = 0; item < kItems; ++item) {
        const RandomBlock random = philox(17, user, item);
        if (user == 1 || (user > 0 && random.v[0] % kItems < item + 4)) continue;
        add(user, item, static_cast<float>(1 + random.v[1] % 5));
        ++counts[item];
      }
    }
    seen = SeenItems::from_ratings(view(), kUsers, kItems);
  }
  std::set<Row> items_of(Row user, float least = 0) const {
    std::set<Row> found;
    for (std::size_t n = 0; n < users.size(); ++n) {
      if (users[n] == user && ratings[n] >= least) found.insert(items[n]);
    }
    return found;
  }
  // counts^alpha, as probabilities.
  std::vector<double> popular(double alpha) const {
    std::vector<double> q;
    for (const double count : counts) q.push_back(std::pow(count, alpha));
    const double total = std::accumulate(q.begin(), q.end(), 0.0);
    for (double& x : q) x /= total;
    return q;
  }
};

SoftmaxShape shape_of(const std::string& negatives, bool own = false) {
  SoftmaxShape shape;
  shape.n_users = kUsers;
  shape.n_items = kItems;
  shape.dim = 4;
  shape.batch_sizes = {kBatch, kLastBatch};
  shape.negatives = NegativeSpec::parse(negatives);
  shape.n_negatives = kNegatives;
  shape.own_negatives = own;
  return shape;
}

StepKeys keys_of(std::uint64_t step, std::uint64_t seed = kDrawSeed) {
  const StepVariables now = step_variables(seed, step, 0, 0, 0);
  StepKeys keys = step_keys(seed, &now);
  for (RandomKey* const key : {&keys.shared, &keys.own, &keys.candidates, &keys.dropout, &keys.selection}) {
    *key = at_step(*key);
    key->now = nullptr;
  }
  return keys;
}
RandomKey shared_key(std::uint64_t step) { return keys_of(step).shared; }

void expect_within(float value, const Bounded& expected, Row row) {
  EXPECT_LE(std::abs(static_cast<double>(value) - expected.value), expected.error) << "row " << row;
}

// An alias table's probability of `q`, which is off by some 2^-32 / n.
Bounded table_probability(double q) { return {q, 0x1p-32}; }

class NegativeSources : public test::BackendParity {
 protected:
  struct Shared {
    std::vector<Row> rows;
    std::vector<float> log_count;
  };
  NegativeSource source(const SoftmaxShape& shape) { return {Arena(backend()), shape, world_.view(), world_.seen}; }

  // The shared negatives of a batch of the first `size` positives.
  Shared draw_shared(NegativeSource& source, const SoftmaxShape& shape, std::uint64_t size, std::uint64_t step = 0) {
    const GuardedArray<Row> users(backend(),
                                  std::vector<Row>(world_.users.begin(), world_.users.begin() + ssize(size)));
    const GuardedArray<Row> items(backend(),
                                  std::vector<Row>(world_.items.begin(), world_.items.begin() + ssize(size)));
    const GuardedArray<Row> rows(backend(), shape.n_shared());
    const GuardedArray<float> log_count(backend(), shape.n_shared());
    const RatingBatch batch{users.data(), items.data(), nullptr, size, nullptr};
    const std::uint64_t n = source.draw_shared(batch, shared_key(step), rows.data());
    if (const float* const table = source.log_counts(batch)) {
      backend().run(LookupRows{.table = MatrixView<const float>{table, shape.n_items, 1, 1},
                               .rows = rows.data(),
                               .n_rows = n,
                               .out = {log_count.data(), n, 1, 1}});
    }
    source.count_mixed(batch, rows.data(), n, log_count.data());
    EXPECT_LE(n, shape.n_shared());
    Shared shared{rows.download(), log_count.download()};
    shared.rows.resize(n);
    shared.log_count.resize(n);
    return shared;
  }
  Shared draw_own(const SoftmaxShape& shape, const std::vector<Row>& users) {
    NegativeSource negatives = source(shape);
    const GuardedArray<Row> queries(backend(), users), rows(backend(), users.size() * kNegatives);
    const GuardedArray<float> log_q(backend(), users.size() * kNegatives);
    negatives.draw_own({queries.data(), nullptr, nullptr, users.size(), nullptr}, keys_of(1).own, kNegatives,
                       rows.data(), log_q.data());
    return {rows.download(), log_q.download()};
  }
  // How often each item is expected among the shared negatives, and what was drawn of each in 400 steps.
  void expect_frequencies(const SoftmaxShape& shape, const std::vector<double>& q) {
    constexpr std::uint64_t kSteps = 400;
    NegativeSource negatives = source(shape);
    std::vector<double> times(kItems);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      for (const Row row : draw_shared(negatives, shape, kLastBatch, step).rows) ++times.at(row);
    }
    constexpr double kDraws = static_cast<double>(kSteps) * kNegatives;
    for (Row item = 0; item < kItems; ++item) {
      EXPECT_LT(std::abs(times[item] - kDraws * q[item]), 6 * std::sqrt(kDraws * q[item] * (1 - q[item]))) << item;
    }
  }
  std::vector<std::set<Row>> known_to(NegativeSource& source) {
    std::vector<std::uint64_t> offsets(kUsers + 1);
    backend().copy_to_host(offsets.data(), source.known().offsets, offsets.size() * sizeof(offsets[0]));
    std::vector<Row> ids(offsets.back());
    backend().copy_to_host(ids.data(), source.known().ids, ids.size() * sizeof(Row));
    std::vector<std::set<Row>> known(kUsers);
    for (Row user = 0; user < kUsers; ++user) {
      known[user].insert(ids.begin() + ssize(offsets[user]), ids.begin() + ssize(offsets[user + 1]));
    }
    return known;
  }
  static std::ptrdiff_t ssize(std::uint64_t n) { return static_cast<std::ptrdiff_t>(n); }

  World world_;
};

TEST_P(NegativeSources, UniformOnesAreEquallyOftenExpectedInAnyBatch) {
  const SoftmaxShape shape = shape_of("uniform");
  NegativeSource negatives = source(shape);
  const Bounded expected = Bounded(std::log(kNegatives)) + selfcheck::bounded_log(1.0 / kItems);
  const Shared first = draw_shared(negatives, shape, kBatch);
  ASSERT_EQ(first.rows.size(), kNegatives);
  for (std::size_t n = 0; n < kNegatives; ++n) expect_within(first.log_count[n], expected, first.rows[n]);
  for (const std::uint64_t size : {kLastBatch, std::uint64_t{1}, std::uint64_t{7}}) {
    const Shared other = draw_shared(negatives, shape, size);
    EXPECT_EQ(other.rows, first.rows) << size;
    EXPECT_EQ(other.log_count, first.log_count) << size;
  }
  EXPECT_NE(draw_shared(negatives, shape, kBatch, 1).rows, first.rows);
  expect_frequencies(shape, std::vector<double>(kItems, 1.0 / kItems));
}

TEST_P(NegativeSources, PopularOnesAreExpectedByTheirShare) {
  for (const char* const alpha : {"0.5", "1"}) {
    const SoftmaxShape shape = shape_of(std::string("popularity:") + alpha);
    NegativeSource negatives = source(shape);
    const std::vector<double> q = world_.popular(std::stod(alpha));
    const Shared shared = draw_shared(negatives, shape, 7);
    ASSERT_EQ(shared.rows.size(), kNegatives);
    for (std::size_t n = 0; n < kNegatives; ++n) {
      const Row row = shared.rows[n];
      const Bounded log_q = selfcheck::bounded_log(table_probability(q.at(row)));
      expect_within(shared.log_count[n], Bounded(std::log(kNegatives)) + log_q, row);
    }
    expect_frequencies(shape, q);
  }
}

TEST_P(NegativeSources, InBatchOnesAreTheBatchAndExpectedByItsSize) {
  const SoftmaxShape shape = shape_of("in-batch");
  NegativeSource negatives = source(shape);
  for (const std::uint64_t size : {kBatch, kLastBatch}) {
    const Shared shared = draw_shared(negatives, shape, size);
    ASSERT_EQ(shared.rows, std::vector<Row>(world_.items.begin(), world_.items.begin() + ssize(size)));
    for (std::size_t n = 0; n < size; ++n) {
      const double share = world_.counts[shared.rows[n]] / static_cast<double>(world_.items.size());
      expect_within(shared.log_count[n], selfcheck::rounded(std::log(static_cast<double>(size) * share), 0),
                    shared.rows[n]);
    }
  }
  EXPECT_THROW(draw_shared(negatives, shape, 7), std::logic_error) << "a size that does not occur";
}

TEST_P(NegativeSources, MixedOnesAreExpectedByWhatTheBatchHolds) {
  const SoftmaxShape shape = shape_of("mixed:0.25");
  constexpr std::uint32_t kDrawn = 3 * kBatch;  // beside one in four, whatever the batch's size
  ASSERT_EQ(shape.n_shared(), kBatch + kDrawn);
  NegativeSource negatives = source(shape);
  for (const std::uint64_t size : {kBatch, kLastBatch, std::uint64_t{7}}) {
    const Shared shared = draw_shared(negatives, shape, size);
    ASSERT_EQ(shared.rows.size(), size + kDrawn);
    std::map<Row, double> given;
    for (std::size_t n = 0; n < size; ++n) {
      EXPECT_EQ(shared.rows[n], world_.items[n]);
      ++given[shared.rows[n]];
    }
    for (std::size_t n = 0; n < shared.rows.size(); ++n) {
      const Row row = shared.rows[n];
      ASSERT_LT(row, kItems);
      expect_within(shared.log_count[n],
                    selfcheck::bounded_log(Bounded(kDrawn) / Bounded(kItems) + Bounded(given[row])), row);
    }
  }
}

TEST_P(NegativeSources, FullOnesAreAllItemsOnce) {
  const SoftmaxShape shape = shape_of("full");
  NegativeSource negatives = source(shape);
  for (const std::uint64_t size : {kBatch, kLastBatch}) {
    const Shared shared = draw_shared(negatives, shape, size);
    std::vector<Row> all(kItems);
    std::iota(all.begin(), all.end(), 0u);
    EXPECT_EQ(shared.rows, all);
    for (const float log_count : shared.log_count) EXPECT_TRUE(std::isnan(log_count)) << "written";
  }
}

TEST_P(NegativeSources, NothingIsSharedWhereEachPositiveHasItsOwn) {
  const SoftmaxShape shape = shape_of("uniform", true);
  NegativeSource negatives = source(shape);
  EXPECT_EQ(draw_shared(negatives, shape, kBatch).rows.size(), 0u);
}

TEST_P(NegativeSources, OwnUniformOnesAreUnknownToTheirUser) {
  std::vector<Row> users = world_.users;
  users.push_back(1);  // who knows nothing
  const Shared own = draw_own(shape_of("uniform", true), users);
  for (std::size_t n = 0; n < own.rows.size(); ++n) {
    const std::set<Row> known = world_.items_of(users[n / kNegatives]);
    if (known.size() == kItems) {
      ASSERT_EQ(own.rows[n], kNoRow);
      ASSERT_EQ(own.log_count[n], 0.0f);
      continue;
    }
    ASSERT_LT(own.rows[n], kItems);
    ASSERT_FALSE(known.contains(own.rows[n]));
    const Bounded n_unknown = static_cast<double>(kItems - known.size());
    expect_within(own.log_count[n], Bounded(0) - selfcheck::bounded_log(n_unknown), own.rows[n]);
  }
}

// The formula of negative_sampling.hpp: rejection, and what it leaves to a uniform draw.
TEST_P(NegativeSources, OwnPopularOnesAreUnknownToTheirUser) {
  const std::vector<double> q = world_.popular(0.75);
  std::vector<Row> users = world_.users;
  users.push_back(1);
  const Shared own = draw_own(shape_of("popularity:0.75", true), users);
  for (std::size_t n = 0; n < own.rows.size(); ++n) {
    const std::set<Row> known = world_.items_of(users[n / kNegatives]);
    if (known.size() == kItems) {
      ASSERT_EQ(own.rows[n], kNoRow);
      continue;
    }
    const Row row = own.rows[n];
    ASSERT_LT(row, kItems);
    ASSERT_FALSE(known.contains(row));
    double unknown_mass = 1;
    for (const Row item : known) unknown_mass -= q[item];
    const Bounded log_mass = selfcheck::bounded_log({unknown_mass, kItems * 0x1p-32});
    const Bounded one_try = Bounded(1) - selfcheck::bounded_exp(log_mass);
    const Bounded failed = known.empty() ? Bounded(0) : selfcheck::bounded_power(one_try, kNegativeAttempts);
    const Bounded found = selfcheck::bounded_exp(selfcheck::bounded_log(table_probability(q[row])) - log_mass);
    const Bounded uniform = Bounded(1) / Bounded(static_cast<double>(kItems - known.size()));
    expect_within(own.log_count[n], selfcheck::bounded_log((Bounded(1) - failed) * found + failed * uniform), row);
  }
}

TEST_P(NegativeSources, AUserKnowsWhatHeRatedOrWhatHeRatedWell) {
  const float mean = world_.seen.mean_rating;
  const auto expect_known = [&](const SoftmaxShape& shape, float least) {
    NegativeSource negatives = source(shape);
    const std::vector<std::set<Row>> known = known_to(negatives);
    for (Row user = 0; user < kUsers; ++user) EXPECT_EQ(known[user], world_.items_of(user, least)) << user;
  };
  expect_known(shape_of("uniform"), 0);
  expect_known(shape_of("uniform+disliked:2"), mean);
  SoftmaxShape rated = shape_of("uniform");
  rated.is_rated = true;
  expect_known(rated, mean);
  rated.has_floor = true;  // then low ratings are not among the positives
  expect_known(rated, 0);
}

UNFOLD_FOR_EVERY_BACKEND(NegativeSources);

TEST(StepKeys, TellDrawsAndStepsApart) {
  std::set<std::pair<std::uint64_t, std::uint32_t>> keys;
  for (const std::uint64_t step : {0ull, 1ull, 77ull, 1ull << 32, (1ull << 32) + 1, 5ull << 32}) {
    const StepKeys of_step = keys_of(step, 9);
    for (const RandomKey& key : {of_step.shared, of_step.own, of_step.candidates, of_step.dropout, of_step.selection}) {
      EXPECT_EQ(key.first_position, 0u);
      keys.emplace(key.seed, key.step);
    }
  }
  EXPECT_EQ(keys.size(), 6u * 5);
  // What a seed gives is part of what it promises.
  EXPECT_EQ(keys_of(4, 9).shared.seed, 9u);
  EXPECT_EQ(keys_of(4, 9).selection.seed, 9 + 4 * 0x9E3779B97F4A7C15ull);
}

TEST(DislikedItems, AreTheFirstThatWereRatedBelowTheMean) {
  const std::vector<Row> users = {2, 0, 2, 2, 0, 2}, items = {5, 1, 6, 7, 2, 8};
  const std::vector<float> ratings = {1, 5, 3, 2, 1, 2.5};
  const RatingView train{users, items, ratings, {}};
  EXPECT_EQ(disliked_items(train, 3, 3, 2), (std::vector<Row>{2, kNoRow, kNoRow, kNoRow, 5, 7}));
  EXPECT_EQ(disliked_items(train, 3.5, 3, 4),
            (std::vector<Row>{2, kNoRow, kNoRow, kNoRow, kNoRow, kNoRow, kNoRow, kNoRow, 5, 6, 7, 8}));
  EXPECT_EQ(disliked_items(train, 0, 3, 1), std::vector<Row>(3, kNoRow));
}

}  // namespace
}  // namespace unfold
