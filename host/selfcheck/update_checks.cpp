// The update of a table by a sorted batch, and the sort, against the float64 reference.
#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

// Runs update_rows once and returns the weights' bits. With `bias`, a table of one column, and its gradient, that too.
std::vector<float> updated(Backend& backend, TestTable& table, const std::vector<Row>& rows, const HostTable& gradient,
                           const OptimizerStep& step, TestTable* bias = nullptr,
                           const std::vector<float>& bias_gradient = {}) {
  const GuardedArray<Row> device_rows(backend, rows);
  const GuardedArray<float> device_gradient(backend, gradient.values), device_bias_gradient(backend, bias_gradient);
  const TestSort sort(backend, device_rows.data(), rows.size(), table.view().weight.rows);
  UpdateRows op{
      .table = table.view(),
      .sorted = sort.view(),
      .gradient = {MatrixView<const float>{device_gradient.data(), rows.size(), gradient.cols, gradient.stride}},
      .step = step};
  if (bias != nullptr) {
    op.bias = bias->view();
    op.bias_gradient = device_bias_gradient.data();
  }
  run_op(backend, op);
  return table.weights();
}

// Batches of rows: none, one, few, many of equal rows, segments just about the length of a chunk, one long segment in a
// batch of few, one row only.
std::vector<std::vector<Row>> row_batches(std::mt19937_64& random, std::uint64_t n_rows) {
  return {{},
          {static_cast<Row>(n_rows - 1)},
          random_rows(random, n_rows, 300),
          skewed_rows(random, n_rows),
          rows_with_a_long_one(random, n_rows),
          std::vector<Row>(1025, 5)};
}

void update_rows_sums_equal_rows_and_updates_once(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 41;
  for (const std::uint32_t dim : run.dims) {
    for (const OptimizerKind kind : kKinds) {
      for (const std::vector<Row>& rows : row_batches(run.random, kRows)) {
        if (dim > 200 && rows.size() > 1 && kind != OptimizerKind::kAdam) continue;
        const bool as_bias = dim == 1 && rows.size() % 2 == 0 && type == TableType::kFloat32;
        const Checker::Scope scope("dim {} kind {} rows {}", dim, static_cast<int>(kind), rows.size());
        const std::uint32_t stride = as_bias ? 1 : run.backend.row_stride(dim, type);
        TestTable table(run.backend, random_table(run.random, kRows, dim, stride, 1, type), kind);
        const HostTable gradient = random_table(run.random, rows.size(), dim, stride, 0.5f);
        for (int round = 0; round < 2; ++round) {
          updated(run.backend, table, rows, gradient, step_of(kind));
          reference_update_rows(table.reference, rows, gradient.view(), step_of(kind));
          if (round == 0 && type == TableType::kFloat32) continue;
          table.expect_equal("table");
          table.adopt_rounded_weights();
        }
        if (run.check.failed()) return;
      }
    }
  }
}

void update_rows_gives_equal_bits_whatever_else_is_in_the_batch(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 41;
  constexpr std::uint32_t kDim = 100;
  const HostTable start = random_table(run.random, kRows, kDim, run.backend.row_stride(kDim, type), 1, type);
  for (const std::vector<Row>& rows : row_batches(run.random, kRows)) {
    const HostTable gradient = random_table(run.random, rows.size(), kDim, start.stride);
    // Another order of the batch that keeps the order within each row: sorted by row, from the last row down.
    std::vector<std::uint64_t> order(rows.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rows[a] > rows[b]; });
    std::vector<Row> other_rows(rows.size());
    HostTable other(rows.size(), kDim, start.stride);
    for (std::size_t k = 0; k < order.size(); ++k) {
      other_rows[k] = rows[order[k]];
      std::copy_n(&gradient.values[order[k] * start.stride], start.stride, &other.values[k * start.stride]);
    }
    TestTable a(run.backend, start, OptimizerKind::kAdam), b(run.backend, start, OptimizerKind::kAdam);
    run.check.that(same_bits(updated(run.backend, a, rows, gradient, step_of(OptimizerKind::kAdam)),
                             updated(run.backend, b, other_rows, other, step_of(OptimizerKind::kAdam))),
                   "{} rows: other bits in another batch", rows.size());
  }
}

// A row's bias takes the sum of its own gradients, with every optimizer, and its row what it takes without a bias.
void update_rows_updates_biases_too(CheckRun& run) {
  constexpr std::uint64_t kRows = 41;
  constexpr std::uint32_t kDim = 33;
  for (const OptimizerKind kind : kKinds) {
    for (const std::vector<Row>& rows : row_batches(run.random, kRows)) {
      const Checker::Scope scope("kind {} rows {}", static_cast<int>(kind), rows.size());
      const HostTable start = random_table(run.random, kRows, kDim, run.backend.row_stride(kDim), 1);
      TestTable table(run.backend, start, kind), alone(run.backend, start, kind);
      TestTable bias(run.backend, random_table(run.random, kRows, 1, 1, 1), kind);
      const HostTable gradient = random_table(run.random, rows.size(), kDim, start.stride, 0.5f);
      const HostTable by_bias = random_table(run.random, rows.size(), 1, 1, 0.5f);
      for (int round = 0; round < 2; ++round) {
        const std::vector<float> with_bias =
            updated(run.backend, table, rows, gradient, step_of(kind), &bias, by_bias.values);
        run.check.that(same_bits(with_bias, updated(run.backend, alone, rows, gradient, step_of(kind))),
                       "rows have other bits with a bias");
        reference_update_rows(bias.reference, rows, by_bias.view(), step_of(kind));
      }
      bias.expect_equal("bias");
      if (run.check.failed()) return;
    }
  }
}

// Gradients that are rows of another table, some of them of several places, times a factor, and a penalty; with a bias.
void update_rows_takes_weighted_rows(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 41, kSources = 29;
  constexpr float kL2 = 0.02f, kBiasL2 = 0.03f;
  for (const std::uint32_t dim : run.dims) {
    for (const std::vector<Row>& rows : row_batches(run.random, kRows)) {
      if (dim > 200 && rows.size() > 600) continue;
      for (const TableType from : {type, TableType::kFloat32}) {
        const OptimizerKind kind = kKinds[(dim + rows.size()) % 4];
        const Checker::Scope scope("dim {} kind {} rows {} from {}", dim, static_cast<int>(kind), rows.size(),
                                   table_type_name(from));
        const std::uint32_t stride = run.backend.row_stride(dim, type);
        const HostTable start = random_table(run.random, kRows, dim, stride, 1, type);
        TestTable table(run.backend, start, kind), bias(run.backend, random_table(run.random, kRows, 1, 1, 1), kind);
        const HostTable sources = random_table(run.random, kSources, dim, stride, 1, from);
        const std::vector<Row> source = random_rows(run.random, kSources, rows.size());
        const std::vector<float> scale = random_table(run.random, rows.size(), 1, 1, 2).values;
        std::vector<Bounded> by_row, by_bias;
        for (std::size_t n = 0; n < rows.size(); ++n) {
          for (std::uint32_t c = 0; c < dim; ++c)
            by_row.push_back(Bounded(scale[n]) * Bounded(sources.at(source[n], c)) +
                             Bounded(kL2) * Bounded(start.at(rows[n], c)));
          by_bias.push_back(Bounded(scale[n]) + Bounded(kBiasL2) * bias.reference.at(rows[n], 0));
        }
        const GuardedArray<Row> device_rows(run.backend, rows), device_source(run.backend, source);
        const GuardedArray<std::byte> device_sources(run.backend, sources.bytes());
        const GuardedArray<float> device_scale(run.backend, scale);
        const TestSort sort(run.backend, device_rows.data(), rows.size(), kRows);
        run_op(run.backend, UpdateRows{.table = table.view(),
                                       .sorted = sort.view(),
                                       .gradient = {.rows = {device_sources.data(), kSources, dim, stride, from},
                                                    .source = device_source.data(),
                                                    .scale = device_scale.data(),
                                                    .l2 = kL2},
                                       .step = step_of(kind),
                                       .bias = bias.view(),
                                       .bias_gradient = device_scale.data(),
                                       .bias_l2 = kBiasL2});
        reference_update_rows(table.reference, rows, by_row, step_of(kind));
        reference_update_rows(bias.reference, rows, by_bias, step_of(kind));
        table.expect_equal("table");
        bias.expect_equal("bias");
        if (run.check.failed()) return;
      }
    }
  }
}

void update_rows_takes_sums_of_distinct_rows(CheckRun& run, TableType type) {
  constexpr std::uint64_t kRows = 41;
  for (const std::uint32_t dim : run.dims) {
    for (const std::vector<Row>& rows : row_batches(run.random, kRows)) {
      const OptimizerKind kind = kKinds[dim % 4];
      const Checker::Scope scope("dim {} kind {} rows {}", dim, static_cast<int>(kind), rows.size());
      const std::uint32_t stride = run.backend.row_stride(dim, type);
      TestTable table(run.backend, random_table(run.random, kRows, dim, stride, 1, type), kind);
      TestTable bias(run.backend, random_table(run.random, kRows, 1, 1, 1), kind);
      std::vector<Row> distinct = rows;
      std::ranges::sort(distinct);
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      const HostTable sums = random_table(run.random, distinct.size(), dim, stride, 0.5f);
      const HostTable bias_sums = random_table(run.random, distinct.size(), 1, 1, 0.5f);
      const GuardedArray<Row> device_rows(run.backend, rows);
      const GuardedArray<float> device_sums(run.backend, sums.values), device_bias(run.backend, bias_sums.values);
      const TestSort sort(run.backend, device_rows.data(), rows.size(), kRows);
      const MatrixView<const float> view{device_sums.data(), distinct.size(), dim, stride};
      run_op(run.backend, UpdateRows{.table = table.view(),
                                     .sorted = sort.view(),
                                     .gradient = {.rows = view, .is_summed = true},
                                     .step = step_of(kind),
                                     .bias = bias.view(),
                                     .bias_gradient = device_bias.data()});
      reference_update_rows(table.reference, distinct, sums.view(), step_of(kind));
      reference_update_rows(bias.reference, distinct, bias_sums.view(), step_of(kind));
      table.expect_equal("table");
      bias.expect_equal("bias");
      if (run.check.failed()) return;
    }
  }
}

// Entries of kNoRow change nothing and are not read, whatever stands at them.
void update_rows_leaves_out_no_row(CheckRun& run) {
  constexpr std::uint64_t kRows = 41, kSources = 29;
  constexpr std::uint32_t kDim = 33;
  const std::uint32_t stride = run.backend.row_stride(kDim);
  const HostTable start = random_table(run.random, kRows, kDim, stride),
                  sources = random_table(run.random, kSources, kDim, stride);
  const std::vector<Row> kept = skewed_rows(run.random, kRows);
  std::vector<Row> rows = kept;
  for (int k = 0; k < 300; ++k)
    rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(run.random() % rows.size()), kNoRow);
  const GuardedArray<float> device_sources(run.backend, sources.values);
  const auto weights_of = [&](const std::vector<Row>& batch, bool weighted) {
    // By the count of rows before it that are left, so that both batches have the same values there.
    std::vector<float> scale;
    std::vector<Row> source;
    HostTable sums(kRows + 1, kDim, stride);
    for (const Row row : batch) {
      const auto n = static_cast<Row>(scale.size() - static_cast<std::size_t>(std::ranges::count(source, kNoRow)));
      scale.push_back(row == kNoRow ? kNan : 0.01f * static_cast<float>(n % 97) - 0.4f);
      source.push_back(row == kNoRow ? kNoRow : n % kSources);
    }
    for (std::uint64_t r = 0; r < kRows; ++r) std::copy_n(start.view().row(r), stride, &sums.values[r * stride]);
    std::fill_n(&sums.values[kRows * stride], stride, kNan);
    const GuardedArray<Row> device_rows(run.backend, batch), device_source(run.backend, source);
    const GuardedArray<float> device_scale(run.backend, scale), device_sums(run.backend, sums.values);
    const TestSort sort(run.backend, device_rows.data(), batch.size(), kRows);
    const TestTable table(run.backend, start, OptimizerKind::kAdam);
    UpdateRows op{.table = table.view(), .sorted = sort.view(), .step = step_of(OptimizerKind::kAdam)};
    if (weighted) {
      op.gradient = {.rows = MatrixView<const float>{device_sources.data(), kSources, kDim, stride},
                     .source = device_source.data(),
                     .scale = device_scale.data(),
                     .l2 = 0.02f};
    } else {
      op.gradient = {.rows = MatrixView<const float>{device_sums.data(), kRows + 1, kDim, stride}, .is_summed = true};
    }
    run_op(run.backend, op);
    return table.weights();
  };
  for (const bool weighted : {true, false}) {
    run.check.that(same_bits(weights_of(rows, weighted), weights_of(kept, weighted)),
                   "other bits with entries of no row, {}", weighted ? "weighted" : "summed");
  }
}

// Around the lengths at which a backend changes its way; few rows, many, and none.
void sort_rows_is_a_stable_sort(CheckRun& run) {
  std::vector<std::uint64_t> lengths = {0, 1, 2, 3, 31, 32, 33, 257, 1023, 1025, 1536, 4095, 4096, 4097};
  if (run.thorough) lengths.push_back(20011);
  for (const std::uint64_t n : lengths) {
    for (const std::uint64_t n_table_rows : {1ull, 7ull, 65536ull, 4294967295ull}) {
      const Checker::Scope scope("{} rows of {}", n, n_table_rows);
      std::vector<Row> rows = random_rows(run.random, n_table_rows, n);
      for (Row& row : rows)
        if (run.random() % 11 == 0) row = kNoRow;
      const GuardedArray<Row> device_rows(run.backend, rows);
      const TestSort got(run.backend, device_rows.data(), n, n_table_rows);
      std::vector<std::uint32_t> order(n);
      std::iota(order.begin(), order.end(), 0u);
      std::ranges::stable_sort(order, {}, [&](std::uint32_t k) { return rows[k]; });
      std::vector<Row> sorted(n);
      std::ranges::transform(order, sorted.begin(), [&](std::uint32_t k) { return rows[k]; });
      std::vector<std::uint32_t> starts;
      for (std::uint32_t k = 0; k < n; ++k)
        if (k == 0 || sorted[k] != sorted[k - 1]) starts.push_back(k);
      run.check.that(got.rows() == sorted, "rows");
      run.check.that(got.order() == order, "order");
      run.check.that(got.starts() == starts, "starts");
    }
  }
}

constexpr OpCheck kUpdateRowsChecks[] = {
    {"UpdateRowsSumsEqualRowsAndUpdatesOnce", in_float32<update_rows_sums_equal_rows_and_updates_once>},
    {"UpdateRowsRoundsThatTo16Bits", in_16_bits<update_rows_sums_equal_rows_and_updates_once>},
    {"UpdateRowsGivesEqualBitsWhateverElseIsInTheBatch",
     in_float32<update_rows_gives_equal_bits_whatever_else_is_in_the_batch>},
    {"UpdateRowsRoundsAlikeWhateverElseIsInTheBatch",
     in_16_bits<update_rows_gives_equal_bits_whatever_else_is_in_the_batch>},
    {"UpdateRowsDrawsTheDocumentedBits", update_rows_draws_the_documented_bits},
    {"UpdateRowsStoresWhatIsNoNumber", update_rows_stores_what_is_no_number},
    {"UpdateRowsKeepsSmallUpdatesOnAverage", update_rows_keeps_small_updates_on_average},
    {"UpdateRowsUpdatesBiasesToo", update_rows_updates_biases_too},
    {"UpdateRowsLeavesOutNoRow", update_rows_leaves_out_no_row},
    {"UpdateRowsTakesWeightedRows", in_float32<update_rows_takes_weighted_rows>},
    {"UpdateRowsTakesWeightedRowsOf16Bits", in_16_bits<update_rows_takes_weighted_rows>},
    {"UpdateRowsTakesSumsOfDistinctRows", in_float32<update_rows_takes_sums_of_distinct_rows>},
    {"UpdateRowsTakesSumsForTablesOf16Bits", in_16_bits<update_rows_takes_sums_of_distinct_rows>},
};
constexpr OpCheck kSortRowsChecks[] = {
    {"SortRowsIsAStableSort", sort_rows_is_a_stable_sort},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<SortRows>() {
  return kSortRowsChecks;
}

template <>
std::span<const OpCheck> checks_of<UpdateRows>() {
  return kUpdateRowsChecks;
}

}  // namespace unfold::selfcheck
