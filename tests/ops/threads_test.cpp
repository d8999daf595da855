// The CPU's ops on more threads: equal bits wherever the contract has one owner a row, on batches large enough that
// every thread has a part.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "host/ops/ops.hpp"
#include "host/ops/sort_rows.hpp"
#include "tests/support/op_inputs.hpp"

namespace unfold::test {
namespace {

constexpr std::uint64_t kBatch = 20000;
constexpr std::uint32_t kDim = 20, kStride = 32;
constexpr OptimizerKind kKinds[] = {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRowwiseAdagrad,
                                    OptimizerKind::kAdam};
constexpr unsigned kThreads[] = {1, 2, 5, 9};

TEST(Threads, AreWokenForWorkThatPaysForThem) {
  EXPECT_EQ(cpu::threads_for(0, 8), 1);
  EXPECT_EQ(cpu::threads_for(100, 8), 1);
  EXPECT_EQ(cpu::threads_for(kBatch, 5), 5);
  EXPECT_EQ(cpu::threads_for(std::uint64_t{1} << 40, 64), 64);
}

// The last row twice as often as any, others at random.
std::vector<Row> skewed_rows(std::mt19937_64& random, std::uint64_t n_rows) {
  std::vector<Row> rows(kBatch);
  for (Row& row : rows) row = random() % 2 == 0 ? static_cast<Row>(n_rows - 1) : static_cast<Row>(random() % n_rows);
  return rows;
}

TEST(Threads, UpdateRowsGivesEqualBits) {
  constexpr std::uint64_t kRows = 700;
  for (const OptimizerKind kind : kKinds) {
    std::vector<std::vector<float>> results;
    for (const unsigned threads : kThreads) {
      std::mt19937_64 random(3);
      const auto backend = make_cpu_backend(threads);
      const TestTable table(*backend, random_table(random, kRows, kDim, kStride), kind);
      const GuardedArray<Row> rows(*backend, skewed_rows(random, kRows));
      const HostTable gradient = random_table(random, kBatch, kDim, kStride);
      const GuardedArray<float> device_gradient(*backend, gradient.values);
      const GuardedArray<std::byte> workspace(*backend, backend->update_rows_workspace_bytes(kBatch));
      OptimizerStep step;
      step.kind = kind;
      backend->update_rows(table.view(), rows.data(), kBatch, {device_gradient.data(), kBatch, kDim, kStride}, step,
                           {workspace.data(), workspace.size()});
      results.push_back(table.weights());
    }
    for (const std::vector<float>& result : results) EXPECT_TRUE(same_bits(result, results[0]));
  }
}

TEST(Threads, RatingStepAndGradientsGiveEqualBitsWhereNoRatingsMeet) {
  std::vector<std::vector<float>> users;
  std::vector<double> errors, gradient_errors;
  for (const unsigned threads : kThreads) {
    std::mt19937_64 random(4);
    const auto backend = make_cpu_backend(threads);
    const TestModel model(*backend, random, kBatch, kBatch, kDim, OptimizerKind::kRowwiseAdagrad);
    HostBatch batch{distinct_rows(random, kBatch, kBatch), distinct_rows(random, kBatch, kBatch),
                    std::vector<float>(kBatch, 3.5f)};
    const TestBatch device(*backend, batch);
    const RatingLoss loss;
    const GuardedArray<float> user(*backend, kBatch * kStride), item(*backend, kBatch * kStride);
    const GuardedArray<float> user_bias(*backend, kBatch), item_bias(*backend, kBatch);
    double error = 0;
    backend->rating_gradients(model.parameters(), device.view(), loss, {user.data(), kBatch, kDim, kStride},
                              {item.data(), kBatch, kDim, kStride}, user_bias.data(), item_bias.data(), &error);
    gradient_errors.push_back(error);
    error = 0;
    OptimizerStep step;
    step.kind = OptimizerKind::kRowwiseAdagrad;
    backend->rating_step(model.parameters(), device.view(), loss, step, &error);
    errors.push_back(error);
    users.push_back(model.user_factors.weights());
    EXPECT_TRUE(same_bits(users.back(), users[0])) << threads;
    EXPECT_EQ(gradient_errors.back(), gradient_errors[0]) << threads;
    EXPECT_NEAR(errors.back(), gradient_errors[0], 1e-9 * gradient_errors[0]) << threads;
  }
}

TEST(SortRows, IsStableForEveryWidthOfDigits) {
  std::mt19937_64 random(5);
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{3000}, std::uint64_t{1} << 22,
                                    std::uint64_t{1} << 32}) {
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
