// The ops that learn, against the float64 reference.
#include <cmath>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

void rating_step_is_sequential_sgd_where_no_ratings_meet(CheckRun& run, TableType type) {
  constexpr std::uint64_t kUsers = 71, kItems = 83, kRatings = 64;
  for (const std::uint32_t dim : run.dims) {
    for (const OptimizerKind kind : kKinds) {
      for (const int variant : {0, 1, 2, 3}) {
        if ((dim > 200 || type != TableType::kFloat32) && variant != 3) continue;
        const Checker::Scope scope("dim {} kind {} bias {} range {}", dim, static_cast<int>(kind), variant % 2,
                                   variant / 2);
        TestModel model(run.backend, run.random, kUsers, kItems, dim, kind, type);
        ReferenceMf reference = model.reference();
        const RatingLoss loss = loss_of(variant % 2 == 1, variant / 2 == 1);
        const GuardedArray<double> error(run.backend, std::vector<double>{10});
        Bounded expected(10);
        for (int round = 0; round < 2; ++round) {  // the second from state that is not zero
          const HostBatch batch = random_batch(run.random, distinct_rows(run.random, kUsers, kRatings),
                                               distinct_rows(run.random, kItems, kRatings));
          const TestBatch device(run.backend, batch);
          run_rating_step(run.backend, model.parameters(), device.view(), loss, step_of(kind), error.data());
          expected = expected + reference_rating_step(reference, batch, loss, step_of(kind));
          model.set_reference(reference);
          if (round == 0 && type == TableType::kFloat32) continue;
          model.expect_equal();
          model.adopt_rounded_weights();
          reference = model.reference();
        }
        run.check.near(error.download()[0], expected, "squared error");
        if (run.check.failed()) return;
      }
    }
  }
}

void rating_step_without_learning_rate_or_ratings_changes_nothing(CheckRun& run, TableType type) {
  for (const OptimizerKind kind : kKinds) {
    TestModel model(run.backend, run.random, 20, 20, 33, kind, type);
    const std::vector<float> before = model.user_factors.weights();
    OptimizerStep step = step_of(kind);
    step.learning_rate = 0;
    const HostBatch batch =
        random_batch(run.random, random_rows(run.random, 20, 300), random_rows(run.random, 20, 300));
    const TestBatch device(run.backend, batch);
    const GuardedArray<double> error(run.backend, std::vector<double>{0});
    run_rating_step(run.backend, model.parameters(), device.view(), loss_of(true, true), step, error.data());
    run.check.that(same_bits(model.user_factors.weights(), before), "weights changed at learning rate 0");
    const double once = error.download()[0];
    run.check.that(once > 0, "no squared error was added");
    run_rating_step(run.backend, model.parameters(), {}, loss_of(true, true), step_of(kind), error.data());
    run.check.that(error.download()[0] == once, "an empty batch added to the squared error");
    run.check.that(same_bits(model.user_factors.weights(), before), "an empty batch changed weights");
  }
}

void rating_step_learns_tables_of_few_rows(CheckRun& run) {
  // 24 x 16 ratings of a planted model of dim 1: with thousands of ratings in flight nearly all updates would be lost.
  const HostTable user = random_table(run.random, 24, 1, 1), item = random_table(run.random, 16, 1, 1);
  HostBatch batch;
  for (std::uint64_t n = 0; n < 24 * 16; ++n) {
    batch.users.push_back(static_cast<Row>(n % 24));
    batch.items.push_back(static_cast<Row>(n / 24));
    batch.ratings.push_back(3 + user.at(n % 24, 0) * item.at(n / 24, 0));
  }
  TestModel model(run.backend, run.random, 24, 16, 4, OptimizerKind::kAdagrad);
  const TestBatch device(run.backend, batch);
  RatingLoss loss;
  loss.link.mean = 3;
  OptimizerStep step = step_of(OptimizerKind::kAdagrad);
  step.learning_rate = 0.1f;
  double rmse = 0;
  for (int epoch = 0; epoch < 60; ++epoch) {
    const GuardedArray<double> error(run.backend, std::vector<double>{0});
    run_rating_step(run.backend, model.parameters(), device.view(), loss, step, error.data());
    rmse = std::sqrt(error.download()[0] / static_cast<double>(batch.size()));
  }
  run.check.that(rmse < 0.1, "RMSE {} after 60 epochs, at most 0.1 expected", rmse);
}

void rating_gradients_match_and_repeat_bit_for_bit(CheckRun& run, TableType type) {
  constexpr std::uint64_t kUsers = 19, kItems = 23;
  for (const std::uint32_t dim : run.dims) {
    for (const std::uint64_t n : {0u, 1u, 333u}) {
      const Checker::Scope scope("dim {} ratings {}", dim, n);
      TestModel model(run.backend, run.random, kUsers, kItems, dim, OptimizerKind::kSgd, type);
      const std::uint32_t stride = run.backend.row_stride(dim, type);
      const HostBatch batch =
          random_batch(run.random, random_rows(run.random, kUsers, n), random_rows(run.random, kItems, n));
      const TestBatch device(run.backend, batch);
      const RatingLoss loss = loss_of(dim % 2 == 0, dim % 3 == 0);
      const ReferenceGradients expected = reference_rating_gradients(model.reference(), batch, loss);
      std::vector<float> first_bits;
      for (int round = 0; round < 2; ++round) {
        const GuardedArray<float> user(run.backend, n * stride), item(run.backend, n * stride);
        const GuardedArray<float> user_bias(run.backend, n), item_bias(run.backend, n);
        const GuardedArray<double> error(run.backend, std::vector<double>{0});
        run_op(run.backend, RatingGradients{.parameters = model.parameters(),
                                            .batch = device.view(),
                                            .loss = loss,
                                            .user_gradient = {user.data(), n, dim, stride},
                                            .item_gradient = {item.data(), n, dim, stride},
                                            .user_bias_gradient = user_bias.data(),
                                            .item_bias_gradient = item_bias.data(),
                                            .squared_error = error.data()});
        const std::vector<float> p = user.download(), q = item.download();
        const std::vector<float> b = user_bias.download(), c = item_bias.download();
        for (std::uint64_t r = 0; r < n; ++r) {
          for (std::uint32_t k = 0; k < stride; ++k) {
            const std::uint64_t at = r * dim + k;
            const Bounded padding(0);
            if (!run.check.near(p[r * stride + k], k < dim ? expected.user[at] : padding, "user {} column {}", r, k) ||
                !run.check.near(q[r * stride + k], k < dim ? expected.item[at] : padding, "item {} column {}", r, k))
              return;
          }
          run.check.near(b[r], expected.user_bias[r], "user bias of rating {}", r);
          run.check.near(c[r], expected.item_bias[r], "item bias of rating {}", r);
        }
        const double sum = error.download()[0];
        run.check.near(sum, expected.squared_error, "squared error");
        std::vector<float> bits = p;
        bits.resize(bits.size() + 2);
        std::memcpy(bits.data() + p.size(), &sum, sizeof(sum));
        if (round == 0) first_bits = bits;
        run.check.that(same_bits(first_bits, bits), "other bits the second time");
      }
    }
  }
}

// Runs update_rows once and returns the weights' bits. With `bias`, a table of one column, and its gradient, that too.
std::vector<float> updated(Backend& backend, TestTable& table, const std::vector<Row>& rows, const HostTable& gradient,
                           const OptimizerStep& step, TestTable* bias = nullptr,
                           const std::vector<float>& bias_gradient = {}) {
  const GuardedArray<Row> device_rows(backend, rows);
  const GuardedArray<float> device_gradient(backend, gradient.values), device_bias_gradient(backend, bias_gradient);
  const TestSort sort(backend, device_rows.data(), rows.size(), table.view().weight.rows);
  UpdateRows op{.table = table.view(),
                .sorted = sort.view(),
                .gradient = {device_gradient.data(), rows.size(), gradient.cols, gradient.stride},
                .step = step};
  if (bias != nullptr) {
    op.bias = bias->view();
    op.bias_gradient = device_bias_gradient.data();
  }
  run_op(backend, op);
  return table.weights();
}

// Batches of rows: none, one, few, many of equal rows, segments just about the length of a chunk, one row only.
std::vector<std::vector<Row>> row_batches(std::mt19937_64& random, std::uint64_t n_rows) {
  std::vector<std::vector<Row>> batches = {{}, {static_cast<Row>(n_rows - 1)}, random_rows(random, n_rows, 300)};
  std::vector<Row> skewed = random_rows(random, n_rows, 100);
  const std::uint64_t lengths[] = {256, 257, 255, 1300};
  for (Row r = 0; r < 4; ++r) skewed.insert(skewed.end(), lengths[r], 2 * r + 1);
  std::shuffle(skewed.begin(), skewed.end(), random);
  batches.push_back(skewed);
  batches.push_back(std::vector<Row>(1025, 5));
  return batches;
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

constexpr OpCheck kRatingStepChecks[] = {
    {"RatingStepIsSequentialSgdWhereNoRatingsMeet", in_float32<rating_step_is_sequential_sgd_where_no_ratings_meet>},
    {"RatingStepRoundsThatTo16Bits", in_16_bits<rating_step_is_sequential_sgd_where_no_ratings_meet>},
    {"RatingStepWithoutLearningRateOrRatingsChangesNothing",
     in_float32<rating_step_without_learning_rate_or_ratings_changes_nothing>},
    {"RatingStepWithoutLearningRateKeeps16Bits",
     in_16_bits<rating_step_without_learning_rate_or_ratings_changes_nothing>},
    {"RatingStepLearnsTablesOfFewRows", rating_step_learns_tables_of_few_rows},
    {"RatingStepDrawsTheDocumentedBits", rating_step_draws_the_documented_bits},
};
constexpr OpCheck kRatingGradientsChecks[] = {
    {"RatingGradientsMatchAndRepeatBitForBit", in_float32<rating_gradients_match_and_repeat_bit_for_bit>},
    {"RatingGradientsReads16Bits", in_16_bits<rating_gradients_match_and_repeat_bit_for_bit>},
};
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
std::span<const OpCheck> checks_of<RatingStep>() {
  return kRatingStepChecks;
}

template <>
std::span<const OpCheck> checks_of<RatingGradients>() {
  return kRatingGradientsChecks;
}

template <>
std::span<const OpCheck> checks_of<UpdateRows>() {
  return kUpdateRowsChecks;
}

}  // namespace unfold::selfcheck
