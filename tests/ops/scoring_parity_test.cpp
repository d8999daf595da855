// The ops that score against the float64 reference.
#include <cmath>

#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

class ScoringOps : public BackendParity {};

TEST_P(ScoringOps, PredictRatingsLeavesOutUnknownRows) {
  for (const std::uint32_t dim : kAwkwardDims) {
    for (const int variant : {0, 1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << "dim " << dim << " variant " << variant);
      const TestModel model(backend(), random_, 29, 31, dim, OptimizerKind::kSgd);
      for (const std::uint64_t n : {0u, 1u, 100u}) {
        std::vector<Row> users = random_rows(random_, 29, n), items = random_rows(random_, 31, n);
        for (std::uint64_t k = 0; k < n; k += 3) (k % 2 == 0 ? users : items)[k] = kUnknownRow;
        if (n > 6) users[6] = items[6] = kUnknownRow;
        const RatingLoss loss = loss_of(variant % 2 == 1, variant / 2 == 1);
        const GuardedArray<Row> device_users(backend(), users), device_items(backend(), items);
        const GuardedArray<float> out(backend(), n);
        backend().predict_ratings(model.parameters(), device_users.data(), device_items.data(), n, loss, out.data());
        const std::vector<Bounded> expected = reference_predictions(model.reference(), users, items, loss);
        const std::vector<float> got = out.download();
        for (std::uint64_t k = 0; k < n; ++k) ASSERT_TRUE(within(got[k], expected[k])) << "pair " << k;
      }
    }
  }
}

struct RankCase {
  HostTable queries, items;
  std::vector<float> bias;  // empty: none
  HostLists targets, excluded;
};

RankCase random_rank_case(std::mt19937_64& random, std::uint64_t n_queries, std::uint64_t n_items, std::uint32_t dim,
                          std::uint32_t stride, bool integers) {
  RankCase out{
      random_table(random, n_queries, dim, stride, 3), random_table(random, n_items, dim, stride, 3), {}, {}, {}};
  if (integers) {  // small ones, so that float32 computes exactly and many scores tie
    for (float& x : out.queries.values) x = std::round(x);
    for (float& x : out.items.values) x = std::round(x);
  }
  for (std::uint64_t i = 0; i < n_items; ++i) out.bias.push_back(static_cast<float>(random() % 3));
  for (std::uint64_t i = 0; i + 1 < n_items; i += 7) {  // twins, far apart
    std::copy_n(&out.items.values[i * stride], stride, &out.items.values[(n_items - 1 - i) * stride]);
    out.bias[n_items - 1 - i] = out.bias[i];
  }
  for (std::uint64_t q = 0; q < n_queries; ++q) {
    std::vector<Row> targets, excluded;
    const std::uint64_t n_targets = q % 4 == 0 ? 0 : q % 4 == 1 ? 1 : 11;
    for (Row i = 0; i < n_items; ++i) {
      const std::uint64_t draw = random() % n_items;
      if (draw < n_targets || (i == n_items - 1 && q % 2 == 1)) {
        targets.push_back(i);
      } else if (draw < n_targets + n_items / 8) {
        excluded.push_back(i);
      }
    }
    out.targets.append(targets);
    out.excluded.append(excluded);
  }
  return out;
}

std::vector<std::uint32_t> ranks_of(Backend& backend, const RankCase& c, std::uint64_t extra_bytes) {
  const std::uint64_t n_targets = c.targets.ids.size();
  const GuardedArray<float> queries(backend, c.queries.values), items(backend, c.items.values), bias(backend, c.bias);
  const GuardedArray<std::uint64_t> target_offsets(backend, c.targets.offsets);
  const GuardedArray<std::uint64_t> excluded_offsets(backend, c.excluded.offsets);
  const GuardedArray<Row> target_ids(backend, c.targets.ids), excluded_ids(backend, c.excluded.ids);
  const GuardedArray<std::uint32_t> ranks(backend, n_targets);
  const GuardedArray<std::byte> workspace(
      backend, backend.rank_targets_workspace_bytes(c.queries.rows, c.items.rows, n_targets) + extra_bytes);
  backend.rank_targets({queries.data(), c.queries.rows, c.queries.cols, c.queries.stride},
                       {items.data(), c.items.rows, c.items.cols, c.items.stride},
                       c.bias.empty() ? nullptr : bias.data(), {target_offsets.data(), target_ids.data()},
                       {excluded_offsets.data(), excluded_ids.data()}, n_targets, ranks.data(),
                       {workspace.data(), workspace.size()});
  return ranks.download();
}

void expect_ranks(const RankCase& c, const std::vector<std::uint32_t>& got, bool exact) {
  const std::vector<RankRange> expected = reference_ranks(
      c.queries.view(), c.items.view(), c.bias.empty() ? nullptr : c.bias.data(), c.targets, c.excluded, exact);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t t = 0; t < got.size(); ++t) {
    ASSERT_GE(got[t], expected[t].low) << "target " << t;
    ASSERT_LE(got[t], expected[t].high) << "target " << t;
  }
}

TEST_P(ScoringOps, RankTargetsCountsTiesAgainstTheTarget) {
  for (const std::uint32_t dim : {1u, 3u, 4u, 33u, 64u, 128u}) {
    for (const std::uint64_t n_items : {1u, 5u, 300u}) {
      for (const bool integers : {true, false}) {
        SCOPED_TRACE(testing::Message() << "dim " << dim << " items " << n_items << " integers " << integers);
        RankCase c = random_rank_case(random_, 13, n_items, dim, backend().row_stride(dim), integers);
        expect_ranks(c, ranks_of(backend(), c, 0), integers);
        c.bias.clear();
        expect_ranks(c, ranks_of(backend(), c, 0), integers);
      }
    }
  }
}

TEST_P(ScoringOps, RankTargetsDoesNotDependOnTiles) {
  constexpr std::uint32_t kDim = 8;
  for (const bool integers : {true, false}) {
    const RankCase c = random_rank_case(random_, 70, 9001, kDim, backend().row_stride(kDim), integers);
    expect_ranks(c, ranks_of(backend(), c, 0), integers);
    expect_ranks(c, ranks_of(backend(), c, 64 << 20), integers);
  }
}

TEST_P(ScoringOps, RankTargetsPutsScoresWithoutANumberLast) {
  RankCase c = random_rank_case(random_, 6, 50, 4, backend().row_stride(4), true);
  c.items.at(49, 0) = kNan;  // a target of every second query
  c.items.at(17, 1) = kNan;
  expect_ranks(c, ranks_of(backend(), c, 0), true);
}

UNFOLD_FOR_EVERY_BACKEND(ScoringOps);

}  // namespace
}  // namespace unfold::test
