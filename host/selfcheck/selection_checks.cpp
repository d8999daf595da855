// The op that selects, against the float64 reference.
#include <cmath>
#include <set>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/selection_reference.hpp"
#include "unfold/error.hpp"

namespace unfold::selfcheck {
namespace {

struct SelectionCase {
  HostTable queries, items;
  std::vector<float> bias;  // empty: none
  HostLists excluded;
  bool exact = false;  // float32 computes every score without rounding

  std::set<Row> excluded_set(std::uint64_t q) const {
    const std::span<const Row> list = excluded.list(q);
    return {list.begin(), list.end()};
  }
};

// Every third item has a twin far away. Query 1 excludes nothing, query 2 all items, others about an eighth.
SelectionCase random_selection(std::mt19937_64& random, std::uint64_t n_queries, std::uint64_t n_items,
                               std::uint32_t dim, std::uint32_t stride, bool integers, bool biased) {
  SelectionCase c{
      random_table(random, n_queries, dim, stride, 2), random_table(random, n_items, dim, stride, 2), {}, {}, integers};
  if (integers) {  // small ones: many ties
    for (float& x : c.queries.values) x = std::round(x);
    for (float& x : c.items.values) x = std::round(x);
  }
  for (std::uint64_t i = 0; biased && i < n_items; ++i) c.bias.push_back(static_cast<float>(random() % 3) - 1);
  for (std::uint64_t i = 0; i < n_items / 2; i += 3) {
    std::copy_n(&c.items.values[i * stride], stride, &c.items.values[(n_items - 1 - i) * stride]);
    if (biased) c.bias[n_items - 1 - i] = c.bias[i];
  }
  for (std::uint64_t q = 0; q < n_queries; ++q) {
    std::vector<Row> list;
    for (Row i = 0; i < n_items; ++i)
      if (q == 2 || (q != 1 && random() % 8 == 0)) list.push_back(i);
    c.excluded.append(list);
  }
  return c;
}

struct Selected {
  std::vector<Row> items;
  std::vector<float> scores;
};

Selected select(Backend& backend, const SelectionCase& c, std::uint32_t k, std::uint64_t extra_bytes = 0,
                bool with_excluded = true) {
  const GuardedArray<float> queries(backend, c.queries.values), items(backend, c.items.values), bias(backend, c.bias);
  const GuardedArray<std::uint64_t> offsets(backend, c.excluded.offsets);
  const GuardedArray<Row> ids(backend, c.excluded.ids);
  const GuardedArray<Row> out_items(backend, c.queries.rows * k);
  const GuardedArray<float> out_scores(backend, c.queries.rows * k);
  run_op(backend,
         TopK{.queries = {queries.data(), c.queries.rows, c.queries.cols, c.queries.stride},
              .items = {items.data(), c.items.rows, c.items.cols, c.items.stride},
              .item_bias = c.bias.empty() ? nullptr : bias.data(),
              .excluded = with_excluded ? RowLists{offsets.data(), ids.data()} : RowLists{},
              .k = k,
              .out_items = out_items.data(),
              .out_scores = out_scores.data()},
         extra_bytes);
  return {out_items.download(), out_scores.download()};
}

// Compares every `stride`-th query.
void expect_selected(const SelectionCase& c, std::uint32_t k, const Selected& got, bool with_excluded = true,
                     std::uint64_t stride = 1) {
  for (std::uint64_t q = 0; q < c.queries.rows; q += stride) {
    const Checker::Scope scope("k {} query {}", k, q);
    const std::vector<Bounded> scores =
        reference_scores({c.queries.view().row(q), c.queries.cols}, c.items.view(), c.bias, c.exact);
    expect_top_k(c.items.view(), c.bias, with_excluded ? c.excluded_set(q) : std::set<Row>(), scores,
                 std::span(got.items).subspan(q * k, k), std::span(got.scores).subspan(q * k, k));
  }
}

void top_k_is_the_head_of_all_scores_sorted(CheckRun& run) {
  for (const std::uint32_t dim : run.dims) {
    for (const std::uint64_t n_items : {1u, 5u, 400u}) {
      for (const bool integers : {true, false}) {
        const Checker::Scope scope("dim {} items {} integers {}", dim, n_items, integers);
        const SelectionCase c =
            random_selection(run.random, 14, n_items, dim, run.backend.row_stride(dim), integers, dim % 2 == 0);
        for (const std::uint32_t k : {1u, 10u, 300u}) {
          if (k == 300 && dim > 64) continue;
          expect_selected(c, k, select(run.backend, c, k));
        }
        expect_selected(c, 3, select(run.backend, c, 3, 0, false), false);
        if (run.check.failed()) return;
      }
    }
  }
}

void top_k_does_not_depend_on_tiles(CheckRun& run) {
  constexpr std::uint32_t kDim = 4;
  for (const bool integers : {true, false}) {
    const SelectionCase c =
        random_selection(run.random, run.thorough ? 70 : 5, 9001, kDim, run.backend.row_stride(kDim), integers, true);
    for (const std::uint32_t k : {1u, 10u, kMaxTopK}) {
      const Selected narrow = select(run.backend, c, k), wide = select(run.backend, c, k, 64 << 20);
      expect_selected(c, k, narrow, true, 23);
      expect_selected(c, k, wide, true, 23);
      run.check.that(!integers || (wide.items == narrow.items && same_bits(wide.scores, narrow.scores)),
                     "k {}: other items in other tiles", k);
    }
  }
}

void top_k_leaves_out_scores_without_a_number(CheckRun& run) {
  SelectionCase c = random_selection(run.random, 6, 60, 4, run.backend.row_stride(4), true, false);
  c.items.at(59, 0) = kNan;
  c.items.at(17, 1) = kNan;
  c.queries.at(4, 2) = kNan;  // all scores of a query
  c.bias.assign(60, 0.0f);
  for (std::uint64_t i = 0; i < 60; i += 3) c.bias[i] = -0.0f;
  c.bias[5] = -INFINITY;  // a number like another, and the worst
  c.bias[6] = INFINITY;
  for (const std::uint32_t k : {2u, 100u}) expect_selected(c, k, select(run.backend, c, k));
}

void top_k_takes_no_other_k(CheckRun& run) {
  const SelectionCase c = random_selection(run.random, 3, 0, 4, run.backend.row_stride(4), true, false);
  expect_selected(c, 7, select(run.backend, c, 7));  // no items
  for (const std::uint32_t k : {0u, kMaxTopK + 1}) {
    bool thrown = false;
    try {
      select(run.backend, c, k);
    } catch (const UsageError&) {
      thrown = true;
    }
    run.check.that(thrown, "k {} was taken", k);
  }
}

constexpr OpCheck kTopKChecks[] = {
    {"TopKIsTheHeadOfAllScoresSorted", top_k_is_the_head_of_all_scores_sorted},
    {"TopKDoesNotDependOnTiles", top_k_does_not_depend_on_tiles},
    {"TopKLeavesOutScoresWithoutANumber", top_k_leaves_out_scores_without_a_number},
    {"TopKTakesNoOtherK", top_k_takes_no_other_k},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<TopK>() {
  return kTopKChecks;
}

}  // namespace unfold::selfcheck
