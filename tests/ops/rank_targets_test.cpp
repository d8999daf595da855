#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "host/ops/ops.hpp"
#include "host/selfcheck/op_reference.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using selfcheck::HostLists;
using selfcheck::RankRange;

constexpr std::uint32_t kGuard = 0xDEADBEEFu;

// Queries, items, targets and exclusions of a call in host memory.
struct RankCase {
  std::uint32_t dim = 0;
  std::uint32_t stride = 0;
  std::uint64_t n_queries = 0;
  std::uint64_t n_items = 0;
  std::vector<float> queries, items, bias;
  HostLists targets, excluded;

  MatrixView<const float> query_view() const { return {queries.data(), n_queries, dim, stride}; }
  MatrixView<const float> item_view() const { return {items.data(), n_items, dim, stride}; }

  RankTargets op_into(std::uint32_t* ranks) const {
    return {.queries = query_view(),
            .items = item_view(),
            .item_bias = bias.empty() ? nullptr : bias.data(),
            .targets = {targets.offsets.data(), targets.ids.data()},
            .excluded = {excluded.offsets.data(), excluded.ids.data()},
            .n_targets = targets.ids.size(),
            .ranks = ranks};
  }

  // Ranks with guard words on both sides, which start as garbage everywhere.
  std::vector<std::uint32_t> rank(int n_threads = 2, std::uint64_t extra_bytes = 0) const {
    const std::uint64_t n = targets.ids.size();
    std::vector<std::uint32_t> ranks(n + 2, kGuard);
    const RankTargets op = op_into(ranks.data() + 1);
    std::vector<std::byte> workspace(cpu::workspace_bytes(op, n_threads) + extra_bytes, std::byte{0xFF});
    cpu::run(op, workspace, n_threads);
    EXPECT_EQ(ranks.front(), kGuard);
    EXPECT_EQ(ranks.back(), kGuard);
    return {ranks.begin() + 1, ranks.end() - 1};
  }
  std::vector<RankRange> reference(bool exact_scores) const {
    return selfcheck::reference_ranks(query_view(), item_view(), bias.empty() ? nullptr : bias.data(), targets,
                                      excluded, exact_scores);
  }
};

enum class Values { kSmallIntegers, kReals };

// Each query has up to `max_targets` targets and `max_excluded` exclusions, as far as there are items.
RankCase random_case(std::uint64_t seed, std::uint32_t dim, std::uint64_t n_queries, std::uint64_t n_items,
                     std::uint64_t max_targets, std::uint64_t max_excluded, Values values) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> real;
  const auto draw = [&] {
    return values == Values::kReals ? real(random) : static_cast<float>(static_cast<int>(random() % 3) - 1);
  };
  RankCase c;
  c.dim = dim;
  c.stride = dim + 3;
  c.n_queries = n_queries;
  c.n_items = n_items;
  c.queries.resize(n_queries * c.stride);
  c.items.resize(n_items * c.stride);
  for (std::uint64_t q = 0; q < n_queries; ++q) std::generate_n(&c.queries[q * c.stride], dim, draw);
  for (std::uint64_t i = 0; i < n_items; ++i) std::generate_n(&c.items[i * c.stride], dim, draw);
  for (std::uint64_t i = 0; i < n_items; ++i) c.bias.push_back(draw());
  for (std::uint64_t i = 1; i < n_items; i += 5) {  // copies of items far and near
    const std::uint64_t source = random() % i;
    std::copy_n(&c.items[source * c.stride], dim, &c.items[i * c.stride]);
    c.bias[i] = c.bias[source];
  }
  for (std::uint64_t q = 0; q < n_queries; ++q) {
    std::vector<Row> ids;
    for (std::uint64_t k = 0; k < max_targets + max_excluded; ++k) ids.push_back(static_cast<Row>(random() % n_items));
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::shuffle(ids.begin(), ids.end(), random);
    const std::size_t n_targets = std::min<std::size_t>(ids.size(), random() % (max_targets + 1));
    std::vector<Row> targets(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n_targets));
    std::vector<Row> excluded(ids.begin() + static_cast<std::ptrdiff_t>(n_targets), ids.end());
    std::sort(targets.begin(), targets.end());
    std::sort(excluded.begin(), excluded.end());
    c.targets.append(targets);
    c.excluded.append(excluded);
  }
  return c;
}

void expect_ranks(const std::vector<std::uint32_t>& ranks, const std::vector<RankRange>& expected) {
  ASSERT_EQ(ranks.size(), expected.size());
  for (std::size_t t = 0; t < ranks.size(); ++t) {
    ASSERT_GE(ranks[t], expected[t].low) << "target " << t;
    ASSERT_LE(ranks[t], expected[t].high) << "target " << t;
  }
}

class RankTargetsShapes : public ::testing::TestWithParam<std::tuple<std::uint32_t, std::uint64_t>> {};

TEST_P(RankTargetsShapes, EqualBruteForceWhereScoresAreExact) {
  const auto [dim, n_items] = GetParam();
  const RankCase c = random_case(1, dim, 29, n_items, 9, 20, Values::kSmallIntegers);
  const std::vector<RankRange> expected = c.reference(true);
  for (const RankRange& range : expected) ASSERT_EQ(range.low, range.high);
  expect_ranks(c.rank(), expected);
}

TEST_P(RankTargetsShapes, LieWithinTheRoundingOfScores) {
  const auto [dim, n_items] = GetParam();
  const RankCase c = random_case(2, dim, 14, n_items, 9, 20, Values::kReals);
  expect_ranks(c.rank(), c.reference(false));
}

TEST_P(RankTargetsShapes, TieExactlyForEqualItemsWhereverTheyLie) {
  const auto [dim, n_items] = GetParam();
  RankCase c = random_case(3, dim, 13, n_items, 12, 20, Values::kReals);
  for (std::uint64_t i = 1; i < n_items; ++i) {
    std::copy_n(c.items.data(), dim, &c.items[i * c.stride]);
    c.bias[i] = c.bias[0];
  }
  const std::vector<std::uint32_t> ranks = c.rank();
  for (std::uint64_t q = 0; q < c.n_queries; ++q) {
    const std::uint64_t n_targets = c.targets.list(q).size();
    const std::uint64_t n_others = n_items - n_targets - c.excluded.list(q).size();
    for (std::uint64_t t = 0; t < n_targets; ++t) {
      ASSERT_EQ(ranks[c.targets.offsets[q] + t], 1 + n_others + t) << "query " << q << ", target " << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Awkward, RankTargetsShapes,
                         ::testing::Combine(::testing::Values(1, 3, 4, 31, 32, 33, 64, 100, 128, 200, 256),
                                            ::testing::Values(1, 7, 1000, 5003)),
                         [](const auto& shape) {
                           return fmt::format("dim{}_items{}", std::get<0>(shape.param), std::get<1>(shape.param));
                         });

TEST(RankTargets, CountManyTargetsLikeFew) {
  for (const std::uint64_t max_targets : {190, 195, 400, 2500}) {
    const RankCase c = random_case(max_targets, 6, 20, 3000, max_targets, 30, Values::kSmallIntegers);
    expect_ranks(c.rank(), c.reference(true));
  }
}

TEST(RankTargets, TakeEveryItemAsTargetOrExcluded) {
  RankCase c = random_case(4, 5, 2, 700, 1, 1, Values::kSmallIntegers);
  c.targets = {};
  c.excluded = {};
  std::vector<Row> even, odd;
  for (Row i = 0; i < 700; ++i) (i % 2 == 0 ? even : odd).push_back(i);
  c.targets.append(even);
  c.excluded.append(odd);
  c.targets.append({0, 699});
  c.excluded.append({});
  const std::vector<std::uint32_t> ranks = c.rank();
  expect_ranks(ranks, c.reference(true));
  std::vector<std::uint32_t> sorted(ranks.begin(), ranks.begin() + 350);
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t r = 0; r < 350; ++r) ASSERT_EQ(sorted[r], r + 1);
}

TEST(RankTargets, AreEqualForAnyWorkspaceAndThreads) {
  const RankCase c = random_case(5, 200, 101, 2503, 12, 40, Values::kReals);
  const std::vector<std::uint32_t> ranks = c.rank(1, 0);
  for (const int n_threads : {1, 2, 3, 8}) {
    for (const std::uint64_t extra : {0, 1, 63, 100000, 1 << 20, 8 << 20}) {
      ASSERT_EQ(c.rank(n_threads, extra), ranks) << n_threads << " threads, " << extra << " bytes more";
    }
  }
}

TEST(RankTargets, WorkWithoutBiasAndWithoutExclusions) {
  RankCase c = random_case(6, 33, 17, 900, 6, 10, Values::kSmallIntegers);
  c.bias.clear();
  expect_ranks(c.rank(), c.reference(true));
  HostLists none;
  for (std::uint64_t q = 0; q < c.n_queries; ++q) none.append({});
  c.excluded = none;
  const std::vector<std::uint32_t> ranks = c.rank();
  expect_ranks(ranks, c.reference(true));
  std::vector<std::uint32_t> without_lists(ranks.size(), kGuard);
  RankTargets op = c.op_into(without_lists.data());
  op.excluded = {};
  std::vector<std::byte> workspace(cpu::workspace_bytes(op, 2));
  cpu::run(op, workspace, 2);
  EXPECT_EQ(without_lists, ranks);
}

TEST(RankTargets, DoNothingForAnEmptyBatch) {
  RankCase c = random_case(7, 8, 5, 100, 3, 3, Values::kReals);
  c.n_queries = 0;
  c.targets = {};
  c.excluded = {};
  EXPECT_TRUE(c.rank().empty());
  c.n_queries = 5;
  for (int q = 0; q < 5; ++q) c.targets.append({});
  for (int q = 0; q < 5; ++q) c.excluded.append({3});
  EXPECT_TRUE(c.rank().empty());
}

TEST(RankTargets, PutWhatIsNotANumberLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  RankCase c;
  c.dim = c.stride = 1;
  c.n_queries = 2;
  c.n_items = 7;
  c.queries = {1, nan};
  c.items = {nan, 2, -infinity, nan, infinity, 1, 2};
  c.targets.append({1, 2, 3, 4});
  c.targets.append({1, 2});
  c.excluded.append({6});
  c.excluded.append({});
  // Query 0: inf, 2, 1, -inf, then the two NaN of the six that take part. Query 1: nothing is a number.
  EXPECT_EQ(c.rank(), (std::vector<std::uint32_t>{2, 4, 6, 1, 7, 7}));
  expect_ranks(c.rank(), c.reference(true));
}

TEST(RankTargets, PutWhatIsNotANumberLastAmongManyTargets) {
  RankCase c = random_case(8, 3, 4, 2000, 600, 50, Values::kSmallIntegers);
  for (std::uint64_t i = 0; i < c.n_items; i += 7) c.bias[i] = std::numeric_limits<float>::quiet_NaN();
  expect_ranks(c.rank(), c.reference(true));
}

TEST(RankTargets, RefuseAWorkspaceThatIsTooSmall) {
  const RankCase c = random_case(9, 16, 3, 50, 3, 3, Values::kReals);
  std::vector<std::uint32_t> ranks(c.targets.ids.size());
  const RankTargets op = c.op_into(ranks.data());
  std::vector<std::byte> workspace(cpu::workspace_bytes(op, 1) - 1);
  EXPECT_THROW(cpu::run(op, workspace, 1), DeviceError);
}

}  // namespace
}  // namespace unfold
