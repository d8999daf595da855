// The CPU's ops on more threads: equal bits wherever the contract has one owner a row, on batches large enough that
// every thread has a part.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "host/ops/ops.hpp"
#include "host/ops/rating_cells.hpp"
#include "host/ops/sort_rows.hpp"
#include "host/selfcheck/op_inputs.hpp"
#include "host/stream/cut_ratings.hpp"
#include "tests/support/columns.hpp"

namespace unfold::test {
namespace {

using namespace selfcheck;

constexpr std::uint64_t kBatch = 20000;
constexpr std::uint32_t kDim = 20, kStride = 32;
constexpr unsigned kThreads[] = {1, 2, 5, 9};
constexpr TableType kTypes[] = {TableType::kFloat32, TableType::kFloat16, TableType::kBfloat16};

class Threads : public testing::Test {
  void TearDown() override {
    for (const std::string& failure : check_.failures()) ADD_FAILURE() << failure;
  }
  Checker check_;  // for the guards of arrays
};

TEST_F(Threads, AreWokenForWorkThatPaysForThem) {
  EXPECT_EQ(cpu::threads_for(0, 8), 1);
  EXPECT_EQ(cpu::threads_for(100, 8), 1);
  EXPECT_EQ(cpu::threads_for(kBatch, 5), 5);
  EXPECT_EQ(cpu::threads_for(std::uint64_t{1} << 40, 64), 64);
}

TEST_F(Threads, RunInTheTestsThoughThereAreFewerProcessors) {
  std::atomic<int> n_here{0}, n_met{0};
  parallel_for(9, 9, [&](std::uint64_t) {
    ++n_here;
    for (int wait = 0; wait < 5000 && n_here < 9; ++wait) std::this_thread::sleep_for(std::chrono::microseconds(100));
    n_met += n_here == 9 ? 1 : 0;
  });
  EXPECT_EQ(n_met, 9);
}

// The last row twice as often as any, others at random.
std::vector<Row> skewed_rows(std::mt19937_64& random, std::uint64_t n_rows) {
  std::vector<Row> rows(kBatch);
  for (Row& row : rows) row = random() % 2 == 0 ? static_cast<Row>(n_rows - 1) : static_cast<Row>(random() % n_rows);
  return rows;
}

std::vector<Row> random_items(std::mt19937_64& random) {
  std::vector<Row> items(kBatch);
  for (Row& item : items) item = static_cast<Row>(random() % 3);
  return items;
}

TEST_F(Threads, UpdateRowsGivesEqualBits) {
  constexpr std::uint64_t kRows = 700;
  for (const OptimizerKind kind : kKinds) {
    const TableType type = kTypes[static_cast<int>(kind) % 3];
    std::vector<std::vector<float>> results;
    for (const unsigned threads : kThreads) {
      std::mt19937_64 random(3);
      const auto backend = make_cpu_backend(threads);
      const TestTable table(*backend, random_table(random, kRows, kDim, kStride, 1, type), kind);
      const GuardedArray<Row> rows(*backend, skewed_rows(random, kRows));
      const HostTable gradient = random_table(random, kBatch, kDim, kStride);
      const GuardedArray<float> device_gradient(*backend, gradient.values);
      OptimizerStep step;
      step.kind = kind;
      const selfcheck::TestSort sort(*backend, rows.data(), kBatch, kRows);
      run_op(*backend, UpdateRows{.table = table.view(),
                                  .sorted = sort.view(),
                                  .gradient = {MatrixView<const float>{device_gradient.data(), kBatch, kDim, kStride}},
                                  .step = step});
      results.push_back(table.weights());
    }
    for (const std::vector<float>& result : results) EXPECT_TRUE(same_bits(result, results[0]));
  }
}

void expect_equal_bits_where_no_ratings_meet(TableType type) {
  std::vector<std::vector<float>> users;
  std::vector<double> errors, gradient_errors;
  for (const unsigned threads : kThreads) {
    std::mt19937_64 random(4);
    const auto backend = make_cpu_backend(threads);
    const TestModel model(*backend, random, kBatch, kBatch, kDim, OptimizerKind::kRowwiseAdagrad, type);
    HostBatch batch{distinct_rows(random, kBatch, kBatch), distinct_rows(random, kBatch, kBatch),
                    std::vector<float>(kBatch, 3.5f)};
    const TestBatch device(*backend, batch);
    const RatingLoss loss;
    const GuardedArray<float> by_score(*backend, kBatch), gradient(*backend, kBatch * kStride), bias(*backend, kBatch);
    const selfcheck::TestSort sort(*backend, device.items.data(), kBatch, kBatch);
    double error = 0;
    backend->run(RatingGradients{.parameters = model.parameters(),
                                 .batch = device.view(),
                                 .loss = loss,
                                 .side = RatingSide::kItems,
                                 .sorted = sort.view(),
                                 .by_score = by_score.data(),
                                 .gradient = {gradient.data(), kBatch, kDim, kStride},
                                 .bias_gradient = bias.data(),
                                 .squared_error = &error});
    gradient_errors.push_back(error);
    error = 0;
    OptimizerStep step;
    step.kind = OptimizerKind::kRowwiseAdagrad;
    run_rating_step(*backend, model.parameters(), device.view(), loss, step, &error);
    errors.push_back(error);
    users.push_back(model.user_factors.weights());
    EXPECT_TRUE(same_bits(users.back(), users[0])) << threads;
    EXPECT_EQ(gradient_errors.back(), gradient_errors[0]) << threads;
    EXPECT_NEAR(errors.back(), gradient_errors[0], 1e-9 * gradient_errors[0]) << threads;
  }
}

TEST_F(Threads, RatingStepAndGradientsGiveEqualBitsWhereNoRatingsMeet) {
  for (const TableType type : kTypes) {
    SCOPED_TRACE(table_type_name(type));
    expect_equal_bits_where_no_ratings_meet(type);
  }
}

TEST(RatingCells, HoldEveryRatingOnceAndShareNoRowsInARound) {
  for (const int n_threads : {1, 2, 3, 7}) {
    for (const std::uint64_t size : {0u, 1u, 5u, 10007u}) {
      std::mt19937_64 random(6);
      const auto n_groups = static_cast<std::uint32_t>(n_threads);
      HostBatch batch;
      for (std::uint64_t n = 0; n < size; ++n) {
        batch.users.push_back(static_cast<Row>(random() % 3000));
        batch.items.push_back(static_cast<Row>(random() % 2000));
        batch.ratings.push_back(static_cast<float>(n));  // tells ratings apart
      }
      std::vector<std::byte> workspace(cpu::RatingCells::workspace_bytes(size, n_threads));
      cpu::RatingCells cells({batch.users.data(), batch.items.data(), batch.ratings.data(), size}, n_threads,
                             n_threads % 2 == 1, workspace);
      for (std::uint32_t part = 0; part < n_groups; ++part) cells.count(part);
      cells.place();
      for (std::uint32_t part = 0; part < n_groups; ++part) cells.scatter(part);
      std::vector<int> seen(size);
      for (std::uint32_t user_group = 0; user_group < n_groups; ++user_group) {
        for (std::uint32_t item_group = 0; item_group < n_groups; ++item_group) {
          const cpu::RatingCell of_cell = cells.cell(user_group, item_group);
          const RatingBatch& cell = of_cell.ratings;
          ASSERT_EQ(of_cell.positions != nullptr, n_threads % 2 == 1);
          for (std::uint64_t k = 0; k < cell.size; ++k) {
            const auto n = static_cast<std::size_t>(cell.ratings[k]);
            ++seen[n];
            if (of_cell.positions != nullptr) {
              ASSERT_EQ(of_cell.positions[k], n);
            }
            ASSERT_EQ(cell.users[k], batch.users[n]);
            ASSERT_EQ(cell.items[k], batch.items[n]);
            ASSERT_EQ(cpu::row_group(cell.users[k], n_groups), user_group);
            ASSERT_EQ(cpu::row_group(cell.items[k], n_groups), item_group);
            ASSERT_TRUE(k == 0 || cell.ratings[k - 1] < cell.ratings[k]) << "batch order";
          }
        }
      }
      EXPECT_EQ(seen, std::vector<int>(size, 1));
    }
  }
}

// A batch that comes cut into parts, and the same ratings written out in its order, on one thread.
void expect_bits_of_the_order(OptimizerKind kind, TableType type, std::uint32_t dim) {
  constexpr std::uint64_t kUsers = 3000, kItems = 500;
  constexpr std::uint32_t kParts = 5;
  std::mt19937_64 random(8);
  test::Columns columns;
  for (std::uint64_t n = 0; n < kBatch; ++n) {
    columns.add(static_cast<Row>(random() % kUsers), static_cast<Row>(random() % kItems),
                static_cast<float>(1 + random() % 5));
  }
  RatingSourceOptions options;
  options.batch_size = kBatch - 77;
  options.cut = {kUsers, kItems, 4096, kParts};
  std::vector<std::vector<float>> users, items;
  std::vector<double> errors;
  for (const unsigned threads : {1u, 3u, 9u, 0u}) {  // 0: written out
    const auto backend = make_cpu_backend(std::max(1u, threads));
    std::mt19937_64 weights(9);
    const TestModel model(*backend, weights, kUsers, kItems, dim, kind, type);
    CutRatings source(Arena(*backend), columns.view(), options, true);
    source.start_epoch(1);
    const RatingBatch batch = source.next();
    HostBatch written;
    for (const RatingRun* run = batch.runs->runs; written.size() < batch.size; ++run) {
      for (std::uint64_t k = run->first; k < run->first + run->size; ++k) {
        written.users.push_back(batch.users[k]);
        written.items.push_back(batch.items[k]);
        written.ratings.push_back(batch.ratings[k]);
      }
    }
    const TestBatch device(*backend, written);
    OptimizerStep step;
    step.kind = kind;
    step.learning_rate = 0.01f;
    step.rounding_key = 17;
    double error = 0;
    run_rating_step(*backend, model.parameters(), threads == 0 ? device.view() : batch, loss_of(true, false), step,
                    &error);
    errors.push_back(error);
    users.push_back(model.user_factors.weights());
    items.push_back(model.item_factors.weights());
    EXPECT_TRUE(same_bits(users.back(), users[0])) << threads;
    EXPECT_TRUE(same_bits(items.back(), items[0])) << threads;
    EXPECT_NEAR(error, errors[0], 1e-9 * errors[0]) << threads;
    EXPECT_TRUE(threads == 0 || error == errors[0]) << threads;
  }
}

TEST_F(Threads, RatingStepOfRunsGivesTheBitsOfTheirOrder) {
  for (const OptimizerKind kind : kKinds) {
    for (const TableType type : kTypes) {
      for (const std::uint32_t dim : {16u, 20u, 40u, 64u, 128u}) {
        SCOPED_TRACE(testing::Message() << table_type_name(type) << ' ' << static_cast<int>(kind) << ' ' << dim);
        expect_bits_of_the_order(kind, type, dim);
      }
    }
  }
}

TEST_F(Threads, RatingStepLosesNoUpdate) {
  // Every rating meets every other on its item; the sum of the updates of a bias alone is known.
  for (const unsigned threads : kThreads) {
    std::mt19937_64 random(7);
    const auto backend = make_cpu_backend(threads);
    const TestModel model(*backend, random, kBatch, 3, 1, OptimizerKind::kSgd);
    HostBatch batch{distinct_rows(random, kBatch, kBatch), random_items(random), std::vector<float>(kBatch, 0.0f)};
    const TestBatch device(*backend, batch);
    RatingLoss loss;
    loss.link.mean = 1e6f;  // so large that a step's own change does not show in the next gradient
    OptimizerStep step;
    step.kind = OptimizerKind::kSgd;
    step.learning_rate = 1e-9f;
    const std::vector<float> before = model.item_bias.weights();
    double error = 0;
    run_rating_step(*backend, model.parameters(), device.view(), loss, step, &error);
    const std::vector<float> after = model.item_bias.weights();
    for (Row item = 0; item < 3; ++item) {
      const auto count = static_cast<double>(std::count(batch.items.begin(), batch.items.end(), item));
      const double expected = -1e-3 * count;  // a step of 1e-9 * 1e6 a rating
      EXPECT_NEAR(static_cast<double>(after[item] - before[item]), expected, 1e-3 * count * 1e-2) << threads;
    }
  }
}

TEST(SortRows, IsStableForEveryWidthOfDigits) {
  std::mt19937_64 random(5);
  for (const std::uint64_t bound :
       {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{3000}, std::uint64_t{1} << 22, std::uint64_t{1} << 32}) {
    for (const std::size_t n : {0u, 1u, 2u, 5000u}) {
      std::vector<Row> rows(n);
      for (Row& row : rows) row = static_cast<Row>(random() % bound);
      std::vector<cpu::RowPosition> buffer(n), spare(n);
      const std::span<const cpu::RowPosition> sorted = cpu::sort_rows(rows, buffer, spare);
      ASSERT_EQ(sorted.size(), n);
      for (std::size_t k = 0; k < n; ++k) {
        ASSERT_EQ(sorted[k].row, rows[sorted[k].position]);
        if (k == 0) continue;
        ASSERT_TRUE(sorted[k - 1].row < sorted[k].row ||
                    (sorted[k - 1].row == sorted[k].row && sorted[k - 1].position < sorted[k].position));
      }
    }
  }
}

}  // namespace
}  // namespace unfold::test
