// The ops that score, against the float64 reference.
#include <cmath>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

void predict_ratings_leaves_out_unknown_rows(CheckRun& run, TableType type) {
  for (const std::uint32_t dim : run.dims) {
    for (const int variant : {0, 1, 2, 3}) {
      if (type != TableType::kFloat32 && variant != 3) continue;
      const Checker::Scope scope("dim {} variant {}", dim, variant);
      const TestModel model(run.backend, run.random, 29, 31, dim, OptimizerKind::kSgd, type);
      const RatingLoss loss = loss_of(variant % 2 == 1, variant / 2 == 1);
      MfParameters parameters = model.parameters();
      if (!loss.use_bias) parameters.user_bias.weight.data = parameters.item_bias.weight.data = nullptr;
      for (const std::uint64_t n : {0u, 1u, 100u}) {
        std::vector<Row> users = random_rows(run.random, 29, n), items = random_rows(run.random, 31, n);
        for (std::uint64_t k = 0; k < n; k += 3) (k % 2 == 0 ? users : items)[k] = kNoRow;
        if (n > 6) users[6] = items[6] = kNoRow;
        const GuardedArray<Row> device_users(run.backend, users), device_items(run.backend, items);
        const GuardedArray<float> out(run.backend, n);
        run_op(run.backend, PredictRatings{.parameters = parameters,
                                           .users = device_users.data(),
                                           .items = device_items.data(),
                                           .n_pairs = n,
                                           .link = loss.link,
                                           .prediction = out.data()});
        const std::vector<Bounded> expected = reference_predictions(model.reference(), users, items, loss);
        const std::vector<float> got = out.download();
        for (std::uint64_t k = 0; k < n; ++k)
          if (!run.check.near(got[k], expected[k], "pair {}", k)) return;
      }
    }
  }
}

void rating_error_sums_adds_in_a_fixed_order(CheckRun& run) {
  constexpr double kDoubleRoundoff = 0x1p-53;
  for (const std::uint64_t n : {0u, 1u, 2u, 257u, 70001u}) {
    const Checker::Scope scope("ratings {}", n);
    const HostTable prediction = random_table(run.random, n, 1, 1, 5), rating = random_table(run.random, n, 1, 1, 5);
    const GuardedArray<float> device_prediction(run.backend, prediction.values),
        device_rating(run.backend, rating.values);
    double squared = 10, absolute = 20;
    for (std::uint64_t k = 0; k < n; ++k) {
      const double error = static_cast<double>(prediction.values[k]) - static_cast<double>(rating.values[k]);
      squared += error * error;
      absolute += std::abs(error);
    }
    // Every term is positive: n + 1 of them round, here and there.
    const double roundings = 2 * static_cast<double>(n + 2) * kDoubleRoundoff;
    std::vector<double> first;
    for (int round = 0; round < 2; ++round) {
      const GuardedArray<double> sums(run.backend, std::vector<double>{10, 20});
      run_op(run.backend, RatingErrorSums{.prediction = device_prediction.data(),
                                          .rating = device_rating.data(),
                                          .n_ratings = n,
                                          .sums = sums.data()});
      const std::vector<double> got = sums.download();
      run.check.near(got[0], Bounded(squared, squared * roundings), "squared errors");
      run.check.near(got[1], Bounded(absolute, absolute * roundings), "absolute errors");
      if (round == 0) first = got;
      run.check.that(got == first, "other bits the second time");
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
  run_op(backend,
         RankTargets{.queries = {queries.data(), c.queries.rows, c.queries.cols, c.queries.stride},
                     .items = {items.data(), c.items.rows, c.items.cols, c.items.stride},
                     .item_bias = c.bias.empty() ? nullptr : bias.data(),
                     .targets = {target_offsets.data(), target_ids.data()},
                     .excluded = {excluded_offsets.data(), excluded_ids.data()},
                     .n_targets = n_targets,
                     .ranks = ranks.data()},
         extra_bytes);
  return ranks.download();
}

void expect_ranks(const RankCase& c, const std::vector<std::uint32_t>& got, bool exact) {
  const std::vector<RankRange> expected = reference_ranks(
      c.queries.view(), c.items.view(), c.bias.empty() ? nullptr : c.bias.data(), c.targets, c.excluded, exact);
  Checker& check = Checker::current();
  if (!check.that(got.size() == expected.size(), "{} ranks of {}", got.size(), expected.size())) return;
  for (std::size_t t = 0; t < got.size(); ++t) {
    check.that(got[t] >= expected[t].low && got[t] <= expected[t].high, "target {}: rank {}, expected {} to {}", t,
               got[t], expected[t].low, expected[t].high);
  }
}

void rank_targets_counts_ties_against_the_target(CheckRun& run) {
  for (const std::uint32_t dim : run.dims) {
    for (const std::uint64_t n_items : {1u, 5u, 300u}) {
      for (const bool integers : {true, false}) {
        const Checker::Scope scope("dim {} items {} integers {}", dim, n_items, integers);
        RankCase c = random_rank_case(run.random, 13, n_items, dim, run.backend.row_stride(dim), integers);
        expect_ranks(c, ranks_of(run.backend, c, 0), integers);
        c.bias.clear();
        expect_ranks(c, ranks_of(run.backend, c, 0), integers);
      }
    }
  }
}

void rank_targets_does_not_depend_on_tiles(CheckRun& run) {
  constexpr std::uint32_t kDim = 8;
  for (const bool integers : {true, false}) {
    const RankCase c = random_rank_case(run.random, 70, 9001, kDim, run.backend.row_stride(kDim), integers);
    expect_ranks(c, ranks_of(run.backend, c, 0), integers);
    expect_ranks(c, ranks_of(run.backend, c, 64 << 20), integers);
  }
}

void rank_targets_puts_scores_without_a_number_last(CheckRun& run) {
  RankCase c = random_rank_case(run.random, 6, 50, 4, run.backend.row_stride(4), true);
  c.items.at(49, 0) = std::numeric_limits<float>::quiet_NaN();  // a target of every second query
  c.items.at(17, 1) = std::numeric_limits<float>::quiet_NaN();
  expect_ranks(c, ranks_of(run.backend, c, 0), true);
}

constexpr OpCheck kPredictRatingsChecks[] = {
    {"PredictRatingsLeavesOutUnknownRows", in_float32<predict_ratings_leaves_out_unknown_rows>},
    {"PredictRatingsReads16Bits", in_16_bits<predict_ratings_leaves_out_unknown_rows>},
};
constexpr OpCheck kRatingErrorSumsChecks[] = {
    {"RatingErrorSumsAddsInAFixedOrder", rating_error_sums_adds_in_a_fixed_order},
};
constexpr OpCheck kRankTargetsChecks[] = {
    {"RankTargetsCountsTiesAgainstTheTarget", rank_targets_counts_ties_against_the_target},
    {"RankTargetsDoesNotDependOnTiles", rank_targets_does_not_depend_on_tiles},
    {"RankTargetsPutsScoresWithoutANumberLast", rank_targets_puts_scores_without_a_number_last},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<PredictRatings>() {
  return kPredictRatingsChecks;
}

template <>
std::span<const OpCheck> checks_of<RatingErrorSums>() {
  return kRatingErrorSumsChecks;
}

template <>
std::span<const OpCheck> checks_of<RankTargets>() {
  return kRankTargetsChecks;
}

}  // namespace unfold::selfcheck
