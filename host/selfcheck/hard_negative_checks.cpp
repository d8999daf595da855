// The op that chooses hard negatives, against the float64 reference.
#include <cmath>

#include "host/selfcheck/hard_negative_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"
#include "unfold/error.hpp"

namespace unfold::selfcheck {
namespace {

constexpr Row kPoolItems = 300, kPoolUsers = 5;
constexpr Row kUserOfNone = 0, kUserOfNearlyAll = 1;

enum class PoolKind { kShared, kOwn, kLists };
constexpr PoolKind kPools[] = {PoolKind::kShared, PoolKind::kOwn, PoolKind::kLists};
const char* name_of(PoolKind pool) {
  return pool == PoolKind::kShared ? "shared" : pool == PoolKind::kOwn ? "own" : "lists";
}

constexpr HardnessKind kHardnessKinds[] = {HardnessKind::kHardest, HardnessKind::kScoreWeighted,
                                           HardnessKind::kAdaptive};

Hardness hardness_of(HardnessKind kind, std::uint32_t n_kept) {
  Hardness hardness;
  hardness.kind = kind;
  hardness.n_kept = n_kept;
  hardness.temperature = 0.4f;
  hardness.alpha = 4;  // scores are above -4, but for outliers
  hardness.beta = 3;
  hardness.power = -1.5f;
  hardness.key = {0x2545F4914F6CDD1Du, 11, 500};
  return hardness;
}

struct SelectionShape {
  PoolKind pool = PoolKind::kShared;
  std::uint64_t n_queries = 9;
  std::uint32_t n = 20, dim = 8, stride = 8;
  TableType type = TableType::kFloat32;
  bool integers = false;  // small ones: exact scores, many ties
};

// Users know nothing, nearly everything, and about a third. Some candidates are missing, and some items stand
// more than once.
HostSelection random_selection(std::mt19937_64& random, const SelectionShape& shape, const Hardness& hardness) {
  const bool is_shared = shape.pool == PoolKind::kShared;
  const float spread = shape.integers ? 2 : std::sqrt(3.0f / std::sqrt(static_cast<float>(shape.dim)));
  const auto table = [&](std::uint64_t n, TableType type) {
    HostTable out = random_table(random, n, shape.dim, shape.stride, spread, type);
    for (float& x : out.values) x = shape.integers ? std::round(x) : x;
    return out;
  };
  HostSelection c{.queries = table(shape.n_queries, TableType::kFloat32),
                  .positives = table(shape.n_queries, TableType::kFloat32),
                  .users = random_rows(random, kPoolUsers, shape.n_queries),
                  .has_known = true,
                  .is_shared = is_shared,
                  .vectors = table(is_shared ? shape.n : kPoolItems, is_shared ? TableType::kFloat32 : shape.type),
                  .log_draws = 0.75f,
                  .n = shape.n,
                  .row_stride = is_shared ? 0u : shape.n + 3,
                  .hardness = hardness,
                  .exact_scores = shape.integers};
  for (Row user = 0; user < kPoolUsers; ++user) {
    std::vector<Row> list;
    for (Row item = 0; item < kPoolItems; ++item)
      if (user != kUserOfNone && random() % 100 < (user == kUserOfNearlyAll ? 97 : 33)) list.push_back(item);
    c.known.append(list);
  }
  const std::uint64_t n_rows = is_shared                        ? shape.n
                               : shape.pool == PoolKind::kLists ? kPoolUsers * c.row_stride
                                                                : shape.n_queries * c.row_stride;
  c.rows = random_rows(random, kPoolItems, n_rows);
  for (std::uint64_t j = 0; j + 7 < n_rows; j += 7) c.rows[j + 5] = c.rows[j];
  // Shared candidates of one row have one vector and one bias.
  c.bias = random_table(random, is_shared ? shape.n : kPoolItems, 1, 1, 1).values;
  if (shape.integers)
    for (float& x : c.bias) x = std::round(x);
  if (shape.integers) c.positive_bias.assign(shape.n_queries, 1);
  for (std::uint64_t j = 0; is_shared && j < n_rows; ++j) {
    const auto first = static_cast<std::uint64_t>(std::ranges::find(c.rows, c.rows[j]) - c.rows.begin());
    std::copy_n(&c.vectors.values[first * shape.stride], shape.stride, &c.vectors.values[j * shape.stride]);
    c.bias[j] = c.bias[first];
  }
  for (Row& row : c.rows)
    if (random() % 9 == 0) row = kNoRow;
  // The third query has half as many as it wants, at most.
  for (std::uint64_t j = 0; shape.pool == PoolKind::kOwn && shape.n_queries > 2 && j < c.row_stride; ++j)
    if (j >= hardness.n_kept / 2) c.rows[2 * c.row_stride + j] = kNoRow;
  if (shape.pool == PoolKind::kLists) c.lists = random_rows(random, kPoolUsers, shape.n_queries);
  c.log_count = random_table(random, n_rows, 1, 1, 3).values;
  return c;
}

void expect_selected(const HostSelection& c, const SelectedNegatives& got) {
  const std::uint32_t n_kept = c.hardness.n_kept;
  for (std::uint64_t b = 0; b < c.queries.rows; ++b) {
    const Checker::Scope scope("kind {} keep {} of {} query {}", static_cast<int>(c.hardness.kind), n_kept, c.n, b);
    expect_selected(c, b, std::span(got.rows).subspan(b * n_kept, n_kept),
                    std::span(got.log_count).subspan(b * n_kept, n_kept));
  }
}

// Every dim, pool and kind of hardness, with as many kept as there are, all but one, some and one.
void select_negatives_keeps_the_highest_keys(CheckRun& run, TableType type) {
  std::size_t turn = 0;
  for (const std::uint32_t dim : run.dims) {
    for (const PoolKind pool : kPools) {
      if (type != TableType::kFloat32 && pool == PoolKind::kShared) continue;
      for (const HardnessKind kind : kHardnessKinds) {
        for (const std::uint32_t n_kept : {1u, 6u, 36u, 37u}) {
          if (++turn % 3 != 0 && (dim > 128 || !run.thorough)) continue;
          const Checker::Scope scope("dim {} pool {}", dim, name_of(pool));
          const std::uint32_t stride = run.backend.row_stride(turn % 5 == 0 ? dim + 40 : dim, type);
          HostSelection c = random_selection(run.random, {pool, 5, 37, dim, stride, type}, hardness_of(kind, n_kept));
          c.normalize = pool != PoolKind::kShared && turn % 2 == 0;
          expect_selected(c, run_selection(run.backend, c));
          if (run.check.failed()) return;
        }
      }
    }
  }
}

// Small integers: every score is exact, and most have an equal. The lower position comes first.
void select_negatives_breaks_ties_by_position(CheckRun& run) {
  for (const PoolKind pool : kPools) {
    for (const std::uint32_t n : {1u, 33u, 200u}) {
      for (const std::uint32_t n_kept : {1u, 10u, 130u}) {
        if (n_kept > n) continue;
        const Checker::Scope scope("pool {}", name_of(pool));
        const SelectionShape shape{pool, 9, n, 3, run.backend.row_stride(3), TableType::kFloat32, true};
        const HostSelection c = random_selection(run.random, shape, hardness_of(HardnessKind::kHardest, n_kept));
        const SelectedNegatives got = run_selection(run.backend, c);
        expect_selected(c, got);
        const SelectedNegatives wide = run_selection(run.backend, c, 4 << 20);
        run.check.that(wide.rows == got.rows && same_bits(wide.log_count, got.log_count), "others with more workspace");
      }
    }
  }
}

// The largest pool, kept in part and whole.
void select_negatives_takes_the_largest_pool(CheckRun& run) {
  for (const PoolKind pool : {PoolKind::kShared, PoolKind::kOwn}) {
    for (const HardnessKind kind : {HardnessKind::kHardest, HardnessKind::kScoreWeighted}) {
      for (const std::uint32_t n_kept : {7u, 1500u, kMaxCandidates}) {
        if (!run.thorough && n_kept == 1500) continue;
        const Checker::Scope scope("pool {}", name_of(pool));
        const SelectionShape shape{pool, 2, kMaxCandidates, 2, run.backend.row_stride(2)};
        const HostSelection c = random_selection(run.random, shape, hardness_of(kind, n_kept));
        const SelectedNegatives got = run_selection(run.backend, c);
        // Comparing each place with all that are left takes the square of what is kept.
        if (n_kept < 100) expect_selected(c, got);
        for (std::uint64_t b = 0; b < 2; ++b) {
          std::vector<Row> kept(&got.rows[b * n_kept], &got.rows[b * n_kept] + n_kept), expected;
          std::vector<ReferenceCandidate> all = reference_candidates(c, b);
          for (const ReferenceCandidate& candidate : all) expected.push_back(candidate.row);
          if (n_kept < all.size()) continue;
          expected.resize(n_kept, kNoRow);
          std::ranges::sort(kept);
          std::ranges::sort(expected);
          run.check.that(kept == expected, "keep {}: other candidates than all", n_kept);
        }
      }
    }
  }
}

// Without biases, counts and known items; all candidates alike for every query; a target of infinity, from which all
// are equally far.
void select_negatives_takes_what_is_optional(CheckRun& run) {
  for (const HardnessKind kind : kHardnessKinds) {
    for (const PoolKind pool : kPools) {
      const Checker::Scope scope("pool {}", name_of(pool));
      const SelectionShape shape{pool, 6, 25, 4, run.backend.row_stride(4), TableType::kFloat32, true};
      HostSelection c = random_selection(run.random, shape, hardness_of(kind, 5));
      c.log_count.clear();
      c.bias.clear();
      c.positive_bias.clear();
      c.has_known = false;
      expect_selected(c, run_selection(run.backend, c));
      c.row_stride = 0;
      expect_selected(c, run_selection(run.backend, c));
      if (kind != HardnessKind::kAdaptive) continue;
      c.hardness.alpha = -1000;
      c.hardness.power = -2;
      expect_selected(c, run_selection(run.backend, c));
    }
  }
  const SelectionShape empty{PoolKind::kShared, 0, 8, 4, run.backend.row_stride(4)};
  run_selection(run.backend, random_selection(run.random, empty, hardness_of(HardnessKind::kHardest, 3)));
}

// The noise of a candidate depends on its place in the step, and not on the batch.
void select_negatives_does_not_depend_on_the_batch(CheckRun& run) {
  const SelectionShape shape{PoolKind::kOwn, 40, 30, 8, run.backend.row_stride(8)};
  const HostSelection c = random_selection(run.random, shape, hardness_of(HardnessKind::kScoreWeighted, 4));
  const SelectedNegatives whole = run_selection(run.backend, c);
  SelectedNegatives parts;
  for (const auto& [first, last] : {std::pair{0u, 1u}, {1u, 18u}, {18u, 40u}}) {
    HostSelection part = c;
    const auto slice = [&](auto& values, std::uint64_t step) {
      values = {values.begin() + first * step, values.begin() + last * step};
    };
    for (HostTable* table : {&part.queries, &part.positives}) {
      slice(table->values, table->stride);
      table->rows = last - first;
    }
    slice(part.users, 1);
    slice(part.rows, c.row_stride);
    slice(part.log_count, c.row_stride);
    part.hardness.key.first_position += std::uint64_t{first} * c.n;
    const SelectedNegatives got = run_selection(run.backend, part);
    parts.rows.insert(parts.rows.end(), got.rows.begin(), got.rows.end());
    parts.log_count.insert(parts.log_count.end(), got.log_count.begin(), got.log_count.end());
  }
  run.check.that(parts.rows == whole.rows, "other negatives in other batches");
  run.check.that(same_bits(parts.log_count, whole.log_count), "other counts in other batches");
}

void select_negatives_takes_no_other_number(CheckRun& run) {
  for (const auto& [n_kept, n] : {std::pair{0u, 8u}, {9u, 8u}, {1u, 0u}, {1u, kMaxCandidates + 1}}) {
    const SelectionShape shape{PoolKind::kShared, 2, n, 2, run.backend.row_stride(2)};
    HostSelection c = random_selection(run.random, shape, hardness_of(HardnessKind::kHardest, n_kept));
    bool thrown = false;
    try {
      run_selection(run.backend, c);
    } catch (const UsageError&) {
      thrown = true;
    }
    run.check.that(thrown, "{} of {} was taken", n_kept, n);
  }
}

constexpr OpCheck kSelectNegativesChecks[] = {
    {"SelectNegativesKeepsTheHighestKeys", in_float32<select_negatives_keeps_the_highest_keys>},
    {"SelectNegativesReads16Bits", in_16_bits<select_negatives_keeps_the_highest_keys>},
    {"SelectNegativesBreaksTiesByPosition", select_negatives_breaks_ties_by_position},
    {"SelectNegativesTakesTheLargestPool", select_negatives_takes_the_largest_pool},
    {"SelectNegativesTakesWhatIsOptional", select_negatives_takes_what_is_optional},
    {"SelectNegativesDoesNotDependOnTheBatch", select_negatives_does_not_depend_on_the_batch},
    {"SelectNegativesTakesNoOtherNumber", select_negatives_takes_no_other_number},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<SelectNegatives>() {
  return kSelectNegativesChecks;
}

}  // namespace unfold::selfcheck
