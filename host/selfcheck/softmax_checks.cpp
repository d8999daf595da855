// The op of sampled softmax and BPR, against the float64 reference.
#include <cmath>
#include <limits>

#include "host/selfcheck/fused_softmax_checks.hpp"
#include "host/selfcheck/rounding_checks.hpp"
#include "host/selfcheck/softmax_inputs.hpp"
#include "unfold/error.hpp"

namespace unfold::selfcheck {
namespace {

struct NamedLoss {
  const char* name;
  SoftmaxLoss loss;
};
constexpr NamedLoss kLosses[] = {
    {"softmax", {}},
    {"softmax without the positive", {.positive_in_denominator = false}},
    {"bsl", {.positive_ratio = 1.7f, .negative_weight = 0.6f}},
    {"bsl without the positive", {.positive_ratio = 0.5f, .negative_weight = 1.4f, .positive_in_denominator = false}},
    {"bpr", {.kind = SoftmaxLossKind::kBpr}},
    {"softmax of a share", {.log_denominator_share = -2.5f}},
    {"bsl of a share", {.positive_ratio = 0.5f, .negative_weight = 1.4f, .log_denominator_share = 1.5f}},
};

struct NegativeKinds {
  std::uint64_t n_shared;
  std::uint32_t n_own;
};
constexpr NegativeKinds kNegativeKinds[] = {{19, 0}, {0, 5}, {21, 3}, {0, 0}};

// Every dim with every kind of negatives, and the losses in turns; each third stride is longer than it need be.
void sampled_softmax_is_its_formula(CheckRun& run, TableType type) {
  std::size_t turn = 0;
  for (const std::uint32_t dim : run.dims) {
    for (const auto& [n_shared, n_own] : kNegativeKinds) {
      for (int times = run.thorough && dim <= 256 ? 2 : 1; times > 0; --times, ++turn) {
        const auto& [name, loss] = kLosses[turn % std::size(kLosses)];
        const std::uint32_t stride = run.backend.row_stride(turn % 3 == 0 ? dim + 40 : dim, type);
        const Checker::Scope scope("{} dim {} stride {} shared {} own {}", name, dim, stride, n_shared, n_own);
        const SoftmaxSizes shape{7, n_shared, n_own, dim, stride, type};
        const SoftmaxParts parts{.thresholds = turn % 4 == 1, .normalize = turn % 2 == 1};
        check_softmax(run.backend, random_softmax(run.random, shape, parts, loss));
        if (run.check.failed()) return;
      }
    }
  }
}

void sampled_softmax_takes_what_is_optional(CheckRun& run) {
  for (const auto& [name, loss] : kLosses) {
    for (unsigned set = 0; set < 32; ++set) {
      const auto has = [&](unsigned bit) { return (set >> bit & 1) != 0; };
      const SoftmaxParts parts{has(0), has(1), has(2), has(3), has(4)};
      if (!run.thorough && set % 5 != 0) continue;
      const Checker::Scope scope("{} biases {} log counts {} known {} thresholds {} normalize {}", name, parts.biases,
                                 parts.log_counts, parts.known, parts.thresholds, parts.normalize);
      const SoftmaxSizes shape{5, 11, 4, 6, run.backend.row_stride(6), TableType::kFloat32};
      const HostSoftmax c = random_softmax(run.random, shape, parts, loss);
      const SoftmaxOutputs all = run_softmax(run.backend, c);
      expect_softmax(c, all);
      run.check.that(same_vectors(run_softmax(run.backend, c, 0, false), all), "other bits without optional outputs");
      if (run.check.failed()) return;
    }
  }
}

void expect_the_same_in_any_tiles(CheckRun& run, TableType score_type) {
  const std::uint32_t dim = run.thorough ? 130 : 4;
  const SoftmaxSizes shape{run.thorough ? 150u : 40u, 530, 3, dim, run.backend.row_stride(dim), TableType::kFloat32};
  for (const auto& [name, loss] : {kLosses[0], kLosses[4]}) {
    const Checker::Scope scope("{} scores of {}", name, table_type_name(score_type));
    HostSoftmax c = random_softmax(run.random, shape, {.thresholds = true}, loss);
    c.score_type = score_type;
    const SoftmaxOutputs least = run_softmax(run.backend, c);
    for (const std::uint64_t extra_bytes : {0, 12345, 16 << 20}) {
      const SoftmaxOutputs got = run_softmax(run.backend, c, extra_bytes);
      if (run.backend.name() == "cpu") run.check.that(same_bits(least, got), "other bits in {} bytes", extra_bytes);
      expect_softmax(c, got);
      run.check.that(same_bits(run_softmax(run.backend, c, extra_bytes), got), "other bits the second time");
    }
  }
}

void sampled_softmax_does_not_depend_on_tiles(CheckRun& run) {
  for (const TableType type : {TableType::kFloat32, TableType::kBfloat16}) {
    expect_the_same_in_any_tiles(run, type);
  }
}

// One query's user knows some of the shared negatives, its positive among them: they are no negatives.
void sampled_softmax_leaves_out_what_is_known(CheckRun& run) {
  constexpr std::uint32_t kDim = 12;
  constexpr Row kPositive = 5;
  for (const auto& [name, loss] : kLosses) {
    const Checker::Scope scope(name);
    const SoftmaxSizes shape{1, 40, 2, kDim, run.backend.row_stride(kDim), TableType::kFloat32};
    HostSoftmax c = random_softmax(run.random, shape, {}, loss);
    c.users = {0};
    c.known = {};
    c.known.append({2, kPositive, 11, kSoftmaxItems - 1});
    for (std::size_t j = 0; j < c.shared_rows.size(); j += 3) c.shared_rows[j] = kPositive;
    for (std::size_t j = 0; j < c.shared_rows.size(); ++j)
      if (c.shared_rows[j] == kPositive) std::ranges::copy(c.positives.values, &c.shared.values[j * shape.stride]);
    const SoftmaxOutputs got = run_softmax(run.backend, c);
    expect_softmax(c, got);
    for (std::size_t j = 0; j < c.shared_rows.size(); ++j) {
      if (!c.known_set(0).contains(c.shared_rows[j])) {
        run.check.that(got.shared_bias[j] > 0, "negative {} (row {}) is left out", j, c.shared_rows[j]);
        continue;
      }
      run.check.that(got.shared_bias[j] == 0, "known row {} is a negative: {}", c.shared_rows[j], got.shared_bias[j]);
      for (std::uint32_t k = 0; k < kDim; ++k)
        run.check.that(got.shared[j * shape.stride + k] == 0, "known row {} has a gradient", c.shared_rows[j]);
    }
    // The same without them.
    HostSoftmax rest = c;
    rest.has_known = false;
    rest.shared = HostTable(0, kDim, shape.stride);
    rest.shared_rows.clear();
    rest.shared_bias.clear();
    rest.shared_log_count.clear();
    for (std::size_t j = 0; j < c.shared_rows.size(); ++j) {
      if (c.known_set(0).contains(c.shared_rows[j])) continue;
      rest.shared_rows.push_back(c.shared_rows[j]);
      rest.shared_bias.push_back(c.shared_bias[j]);
      rest.shared_log_count.push_back(c.shared_log_count[j]);
      const float* const vector = c.shared.view().row(j);
      rest.shared.values.insert(rest.shared.values.end(), vector, vector + shape.stride);
      ++rest.shared.rows;
    }
    const SoftmaxOutputs unmasked = run_softmax(run.backend, rest);
    run.check.that(unmasked.n_rejected == kRejectedBefore, "{} rejected of none",
                   unmasked.n_rejected - kRejectedBefore);
    const Bounded loss_of_rest = reference_sampled_softmax(c).loss;
    run.check.near(unmasked.loss, {got.loss, 2 * loss_of_rest.error}, "loss of the rest");
  }
}

// Users who know everything, negatives that are all missing, and no negatives: finite, and zero where nothing pulls.
void sampled_softmax_of_no_negatives(CheckRun& run) {
  const SoftmaxSizes shape{4, 9, 2, 5, run.backend.row_stride(5), TableType::kFloat32};
  for (const auto& [name, loss] : kLosses) {
    const Checker::Scope scope(name);
    HostSoftmax c = random_softmax(run.random, shape, {.thresholds = true}, loss);
    c.users.assign(4, kUserWhoKnowsAllItems);
    c.own_rows.assign(c.own_rows.size(), kNoRow);
    const SoftmaxOutputs got = run_softmax(run.backend, c);
    expect_softmax(c, got);
    const auto is_zero = [](const std::vector<float>& values) {
      return std::ranges::all_of(values, [](float x) { return x == 0; });
    };
    run.check.that(is_zero(got.shared) && is_zero(got.own), "gradients of negatives that do not take part");
    const bool pulls = loss.kind == SoftmaxLossKind::kSoftmax && loss.positive_in_denominator &&
                       loss.positive_ratio != loss.negative_weight;
    run.check.that(pulls || (is_zero(got.queries) && is_zero(got.positives) && got.loss == kLossBefore),
                   "a positive alone has a gradient");
  }
}

void sampled_softmax_of_an_empty_batch_writes_zeros(CheckRun& run) {
  const SoftmaxSizes shape{0, 9, 2, 5, run.backend.row_stride(5), TableType::kFloat32};
  const HostSoftmax c = random_softmax(run.random, shape, {}, {});
  const SoftmaxOutputs got = run_softmax(run.backend, c);
  expect_softmax(c, got);
  run.check.that(got.loss == kLossBefore && got.n_rejected == kRejectedBefore, "the sums have changed");
}

// Scores of 1000 over a small temperature: exponentials are relative to the largest.
void sampled_softmax_takes_large_scores(CheckRun& run) {
  constexpr std::uint32_t kDim = 4;
  for (const auto& [name, loss] : kLosses) {
    for (const float sign : {1.0f, -1.0f}) {
      const Checker::Scope scope("{} scores of {}", name, 1000 * sign);
      const SoftmaxSizes shape{6, 12, 3, kDim, run.backend.row_stride(kDim), TableType::kFloat32};
      HostSoftmax c = random_softmax(run.random, shape, {.thresholds = true}, loss);
      c.log_temperature = -3;
      const auto enlarge = [](HostTable& table, std::uint32_t column, float x) {
        for (std::uint64_t r = 0; r < table.rows; ++r) table.at(r, column) = x;
      };
      enlarge(c.queries, 0, 100);
      enlarge(c.positives, 0, 10 * sign);
      enlarge(c.shared, 0, 10);
      enlarge(c.items, 0, -10);
      c.shared.at(3, 0) = -10;
      check_softmax(run.backend, c);
    }
  }
}

// Positives far above their negatives, as late in training: losses and gradients near 0 keep their digits.
void sampled_softmax_keeps_the_digits_of_a_small_loss(CheckRun& run) {
  const SoftmaxSizes shape{6, 12, 3, 8, run.backend.row_stride(8), TableType::kFloat32};
  for (const auto& [name, loss] : {kLosses[0], kLosses[4]}) {
    const Checker::Scope scope(name);
    HostSoftmax c = random_softmax(run.random, shape, {.known = false}, loss);
    for (float& bias : c.positive_bias) bias += 8;
    check_softmax(run.backend, c);
    // The bounds ask for them.
    const ReferenceSoftmax expected = reference_sampled_softmax(c);
    for (const Bounded& x : expected.positive_bias)
      run.check.that(std::abs(x.value) < 1e-4 && x.error < 1e-3 * std::abs(x.value), "{} +- {} has no digits", x.value,
                     x.error);
  }
}

// All items as shared negatives: the softmax over the catalogue, by its definition.
void sampled_softmax_of_the_catalogue_is_the_softmax(CheckRun& run) {
  constexpr std::uint32_t kDim = 16;
  const SoftmaxSizes shape{9, kSoftmaxItems, 0, kDim, run.backend.row_stride(kDim), TableType::kFloat32};
  HostSoftmax c = random_softmax(run.random, shape, {.log_counts = false}, {});
  std::iota(c.shared_rows.begin(), c.shared_rows.end(), Row{0});
  std::vector<Row> positives;
  for (std::uint64_t b = 0; b < shape.n_queries; ++b) {
    c.users[b] = c.users[b] == kUserWhoKnowsNone ? 3 : c.users[b];
    const std::span<const Row> known = c.known.list(c.users[b]);
    positives.push_back(known[b % known.size()]);
    std::copy_n(c.shared.view().row(positives[b]), shape.stride, &c.positives.values[b * shape.stride]);
    c.positive_bias[b] = c.shared_bias[positives[b]];
  }
  const SoftmaxOutputs got = run_softmax(run.backend, c);
  expect_softmax(c, got);
  double loss = 0;
  const double inverse = std::exp(-static_cast<double>(c.log_temperature));
  for (std::uint64_t b = 0; b < shape.n_queries; ++b) {
    const auto weight = [&](Row item) {
      double score = static_cast<double>(c.shared_bias[item]);
      for (std::uint32_t k = 0; k < kDim; ++k) score += double{c.queries.at(b, k)} * double{c.shared.at(item, k)};
      return std::exp(score * inverse);
    };
    double z = weight(positives[b]);
    for (Row item = 0; item < kSoftmaxItems; ++item) z += c.known_set(b).contains(item) ? 0 : weight(item);
    loss -= std::log(weight(positives[b]) / z) * static_cast<double>(c.scale);
  }
  run.check.near(got.loss, {kLossBefore + loss, reference_sampled_softmax(c).loss.error}, "loss");
}

void sampled_softmax_takes_one_stride(CheckRun& run) {
  const SoftmaxSizes shape{3, 4, 2, 5, run.backend.row_stride(5), TableType::kFloat32};
  const HostSoftmax c = random_softmax(run.random, shape, {}, {});
  for (const char* name : {"positives", "shared", "by_queries", "by_positives", "by_shared", "by_own"}) {
    bool thrown = false;
    try {
      run_softmax(run.backend, c, 0, true, name);
    } catch (const UsageError&) {
      thrown = true;
    }
    run.check.that(thrown, "another stride of {} was taken", name);
  }
}

// Factors of shared negatives' products are rounded, and nothing else where there are none.
void sampled_softmax_takes_16_bit_scores(CheckRun& run) {
  std::size_t turn = 0;
  for (const std::uint32_t dim : run.dims) {
    for (const auto& [n_shared, n_own] : kNegativeKinds) {
      for (int times = run.thorough && dim <= 256 ? 3 : 1; times > 0; --times, ++turn) {
        const auto& [name, loss] = kLosses[turn % std::size(kLosses)];
        const std::uint32_t stride = run.backend.row_stride(turn % 3 == 0 ? dim + 40 : dim);
        const SoftmaxParts parts{turn % 2 == 0, turn % 5 < 3, turn % 3 != 1, turn % 4 == 1, turn % 7 < 2};
        const Checker::Scope scope("{} dim {} stride {} shared {} own {} biases {} known {}", name, dim, stride,
                                   n_shared, n_own, parts.biases, parts.known);
        HostSoftmax c =
            moderate_softmax(run.random, {7, n_shared, n_own, dim, stride, TableType::kFloat32}, parts, loss);
        const SoftmaxOutputs got = run_softmax(run.backend, c);
        expect_softmax(c, got);
        if (n_shared > 0) expect_sharp(c);
        c.score_type = TableType::kFloat32;
        run.check.that(same_bits(run_softmax(run.backend, c), got) == (n_shared == 0), "{} as of float32",
                       n_shared == 0 ? "other bits" : "the same bits");
        if (run.check.failed()) return;
      }
    }
  }
}

// One negative alone: its share is 1, and every number is a product of rounded ones, or a sum that float32 holds. The
// CPU keeps scores in float32.
void sampled_softmax_rounds_16_bit_scores_to_nearest(CheckRun& run) {
  const auto rounded = [](float x) { return to_float(round_nearest<Bfloat16>(x)); };
  const SoftmaxSizes shape{64, 1, 0, 1, run.backend.row_stride(1), TableType::kFloat32};
  HostSoftmax c = random_softmax(run.random, shape, {.biases = false, .log_counts = false, .known = false},
                                 {.positive_in_denominator = false});
  c.score_type = TableType::kBfloat16;
  c.log_temperature = 0;
  std::ranges::fill(c.positives.values, 0.0f);
  // From 1 to 2 neighbours are 2/256 apart: every other number is a tie.
  const float vector = 1 + 3 / 256.0f;
  c.shared.at(0, 0) = vector;
  for (std::uint64_t b = 0; b < shape.n_queries; ++b) c.queries.at(b, 0) = 1 + static_cast<float>(b) / 256;
  const SoftmaxOutputs got = run_softmax(run.backend, c);
  const auto in_a_row = [&](float score) { return run.backend.name() == "cpu" ? score : rounded(score); };
  const float coefficient = rounded(c.scale);
  float shared = 0;
  for (std::uint64_t b = 0; b < shape.n_queries; ++b) {
    const float query = rounded(c.queries.at(b, 0)), score = in_a_row(query * rounded(vector));
    run.check.that(got.log_temperature[b] == -c.scale * score, "query {}: a score of {} / {}, expected {}", b,
                   -got.log_temperature[b], c.scale, score);
    run.check.that(got.queries[b * shape.stride] == coefficient * rounded(vector), "query {}: a gradient of {}", b,
                   got.queries[b * shape.stride]);
    shared += coefficient * query;
  }
  run.check.that(got.shared[0] == shared, "a gradient of {}, expected {}", got.shared[0], shared);
  run.check.that(got.shared_bias[0] == coefficient * static_cast<float>(shape.n_queries), "a bias gradient of {}",
                 got.shared_bias[0]);
}

// However the highest score is found: one negative that is no number, some, or all.
void sampled_softmax_tells_of_what_is_no_number(CheckRun& run) {
  for (const std::uint64_t n_bad : {1, 17, 40}) {
    const SoftmaxSizes shape{5, 40, 0, 8, run.backend.row_stride(8), TableType::kFloat32};
    HostSoftmax c = random_softmax(run.random, shape, {.known = false}, {});
    for (std::uint64_t j = 0; j < n_bad; ++j) c.shared.at(39 - j, 3) = std::numeric_limits<float>::quiet_NaN();
    const double loss = run_softmax(run.backend, c).loss;
    run.check.that(std::isnan(loss), "{} of 40 negatives are no numbers, and the loss is {}", n_bad, loss);
  }
}

void sampled_softmax_takes_no_float16_scores(CheckRun& run) {
  const SoftmaxSizes shape{3, 4, 2, 5, run.backend.row_stride(5), TableType::kFloat32};
  HostSoftmax c = random_softmax(run.random, shape, {}, {});
  c.score_type = TableType::kFloat16;
  bool thrown = false;
  try {
    run_softmax(run.backend, c);
  } catch (const UsageError&) {
    thrown = true;
  }
  run.check.that(thrown, "scores of float16 were taken");
}

constexpr OpCheck kSampledSoftmaxChecks[] = {
    {"SampledSoftmaxIsItsFormula", in_float32<sampled_softmax_is_its_formula>},
    {"SampledSoftmaxReads16Bits", in_16_bits<sampled_softmax_is_its_formula>},
    {"SampledSoftmaxTakesWhatIsOptional", sampled_softmax_takes_what_is_optional},
    {"SampledSoftmaxDoesNotDependOnTiles", sampled_softmax_does_not_depend_on_tiles},
    {"SampledSoftmaxLeavesOutWhatIsKnown", sampled_softmax_leaves_out_what_is_known},
    {"SampledSoftmaxOfNoNegatives", sampled_softmax_of_no_negatives},
    {"SampledSoftmaxOfAnEmptyBatchWritesZeros", sampled_softmax_of_an_empty_batch_writes_zeros},
    {"SampledSoftmaxTakesLargeScores", sampled_softmax_takes_large_scores},
    {"SampledSoftmaxKeepsTheDigitsOfASmallLoss", sampled_softmax_keeps_the_digits_of_a_small_loss},
    {"SampledSoftmaxOfTheCatalogueIsTheSoftmax", sampled_softmax_of_the_catalogue_is_the_softmax},
    {"SampledSoftmaxTakesOneStride", sampled_softmax_takes_one_stride},
    {"SampledSoftmaxTakes16BitScores", sampled_softmax_takes_16_bit_scores},
    {"SampledSoftmaxRounds16BitScoresToNearest", sampled_softmax_rounds_16_bit_scores_to_nearest},
    {"SampledSoftmaxTellsOfWhatIsNoNumber", sampled_softmax_tells_of_what_is_no_number},
    {"SampledSoftmaxTakesNoFloat16Scores", sampled_softmax_takes_no_float16_scores},
    {"SampledSoftmaxFusesScores", sampled_softmax_fuses_scores},
    {"SampledSoftmaxFusesInChunksAndParts", sampled_softmax_fuses_in_chunks_and_parts},
    {"SampledSoftmaxFusesWhatIsKnown", sampled_softmax_fuses_what_is_known},
    {"SampledSoftmaxFusesWithoutRoundingScores", sampled_softmax_fuses_without_rounding_scores},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<SampledSoftmax>() {
  return kSampledSoftmaxChecks;
}

}  // namespace unfold::selfcheck
