// Memory, slots, and the ops that learn against the float64 reference.
#include <cmath>

#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

class LearningOps : public BackendParity {};

TEST_P(LearningOps, AllocationIsZeroedAndFreed) {
  const DeviceArray<float> array(backend(), 1000);
  std::vector<float> values(1000, kNan);
  array.download(std::span(values));
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float x) { return x == 0; }));
  EXPECT_EQ(backend().allocate(0), nullptr);
  const bool is_cuda = std::string(GetParam()) == "Cuda";
  EXPECT_EQ(backend().name(), is_cuda ? "cuda" : "cpu");
  EXPECT_NE(backend().description().find(is_cuda ? "driver" : "3 threads"), std::string::npos);
}

TEST_P(LearningOps, TooLargeAnAllocationNamesBothNumbersAndLeavesTheDeviceUsable) {
  try {
    backend().allocate(std::uint64_t{1} << 50);
    FAIL() << "a petabyte was allocated";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("wanted"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("free"), std::string::npos) << error.what();
  }
  const DeviceArray<float> array(backend(), 16);
  backend().synchronize();
}

TEST_P(LearningOps, SlotsHandBatchesOver) {
  constexpr std::uint64_t kFloats = 1 << 16;
  const auto slot = backend().make_slot(kFloats * sizeof(float));
  slot->release();  // before any upload
  const DeviceArray<float> copy(backend(), kFloats);
  const DeviceArray<Row> rows(backend(), 1);
  for (int round = 0; round < 20; ++round) {
    slot->wait_until_free();
    auto* const host = reinterpret_cast<float*>(slot->host().data());
    for (std::uint64_t k = 0; k < kFloats; ++k) host[k] = static_cast<float>(k + round);
    slot->upload(kFloats * sizeof(float));
    const auto* const device = reinterpret_cast<const float*>(slot->device());
    // One row of 1 << 16 columns: the lookup copies what the slot holds.
    backend().lookup_rows(MatrixView<const float>{device, 1, kFloats, kFloats}, rows.data(), 1, {copy.data(), 1, kFloats, kFloats});
    slot->release();
    std::vector<float> got(kFloats);
    copy.download(std::span(got));
    for (std::uint64_t k = 0; k < kFloats; ++k) ASSERT_EQ(got[k], static_cast<float>(k + round)) << "round " << round;
  }
}

TEST_P(LearningOps, LookupRowsCopiesRowsAndZeroesPadding) {
  constexpr std::uint64_t kTableRows = 37;
  for (const std::uint32_t dim : kAwkwardDims) {
    const HostTable table = random_table(random_, kTableRows, dim, backend().row_stride(dim));
    const GuardedArray<float> device(backend(), table.values);
    for (const std::uint64_t n : {0u, 1u, 2u, 257u}) {
      const std::vector<Row> rows = random_rows(random_, kTableRows, n);
      const GuardedArray<Row> device_rows(backend(), rows);
      for (const std::uint32_t stride : {dim, table.stride, table.stride + 4, dim + 3}) {
        SCOPED_TRACE(testing::Message() << "dim " << dim << " rows " << n << " stride " << stride);
        const GuardedArray<float> out(backend(), n * stride);
        backend().lookup_rows(MatrixView<const float>{device.data(), kTableRows, dim, table.stride}, device_rows.data(), n,
                              {out.data(), n, dim, stride});
        const std::vector<float> got = out.download();
        for (std::uint64_t r = 0; r < n; ++r)
          for (std::uint32_t c = 0; c < stride; ++c)
            ASSERT_TRUE(same_bits(got[r * stride + c], c < dim ? table.at(rows[r], c) : 0.0f)) << r << ", " << c;
      }
    }
  }
}

TEST_P(LearningOps, LookupRowsReachesPastTwoToTheThirtyOneElements) {
  constexpr std::uint64_t kRows = (std::uint64_t{1} << 25) + 3;  // 16 GiB at dim 128
  constexpr std::uint32_t kDim = 128;
  if (backend().free_bytes() < kRows * kDim * 4 + (std::uint64_t{1} << 30)) GTEST_SKIP() << "needs 17 GiB free";
  const DeviceArray<float> table(backend(), kRows * kDim);
  const HostTable last = random_table(random_, 1, kDim, kDim);
  backend().copy_to_device(table.data() + (kRows - 1) * kDim, last.values.data(), kDim * 4);
  const GuardedArray<Row> rows(backend(), std::vector<Row>{0, static_cast<Row>(kRows - 1)});
  const GuardedArray<float> out(backend(), 2 * kDim);
  backend().lookup_rows(MatrixView<const float>{table.data(), kRows, kDim, kDim}, rows.data(), 2, {out.data(), 2, kDim, kDim});
  const std::vector<float> got = out.download();
  EXPECT_TRUE(same_bits(std::span(got).subspan(kDim), last.values));
}

TEST_P(LearningOps, RatingStepIsSequentialSgdWhereNoRatingsMeet) {
  constexpr std::uint64_t kUsers = 71, kItems = 83, kRatings = 64;
  for (const std::uint32_t dim : kAwkwardDims) {
    for (const OptimizerKind kind : kKinds) {
      for (const int variant : {0, 1, 2, 3}) {
        if (dim > 200 && variant != 3) continue;
        SCOPED_TRACE(testing::Message() << "dim " << dim << " kind " << static_cast<int>(kind) << " bias "
                                        << variant % 2 << " range " << variant / 2);
        TestModel model(backend(), random_, kUsers, kItems, dim, kind);
        ReferenceMf reference = model.reference();
        const RatingLoss loss = loss_of(variant % 2 == 1, variant / 2 == 1);
        const GuardedArray<double> error(backend(), std::vector<double>{10});
        Bounded expected(10);
        for (int round = 0; round < 2; ++round) {  // the second from state that is not zero
          const HostBatch batch =
              random_batch(random_, distinct_rows(random_, kUsers, kRatings), distinct_rows(random_, kItems, kRatings));
          const TestBatch device(backend(), batch);
          run_rating_step(backend(), model.parameters(), device.view(), loss, step_of(kind), error.data());
          expected = expected + reference_rating_step(reference, batch, loss, step_of(kind));
        }
        model.set_reference(reference);
        model.expect_equal();
        EXPECT_TRUE(within(error.download()[0], expected));
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(LearningOps, RatingStepWithoutLearningRateOrRatingsChangesNothing) {
  for (const OptimizerKind kind : kKinds) {
    TestModel model(backend(), random_, 20, 20, 33, kind);
    const std::vector<float> before = model.user_factors.weights();
    OptimizerStep step = step_of(kind);
    step.learning_rate = 0;
    const HostBatch batch = random_batch(random_, random_rows(random_, 20, 300), random_rows(random_, 20, 300));
    const TestBatch device(backend(), batch);
    const GuardedArray<double> error(backend(), std::vector<double>{0});
    run_rating_step(backend(), model.parameters(), device.view(), loss_of(true, true), step, error.data());
    EXPECT_TRUE(same_bits(model.user_factors.weights(), before));
    const double once = error.download()[0];
    EXPECT_GT(once, 0);
    run_rating_step(backend(), model.parameters(), {}, loss_of(true, true), step_of(kind), error.data());
    EXPECT_EQ(error.download()[0], once);
    EXPECT_TRUE(same_bits(model.user_factors.weights(), before));
  }
}

TEST_P(LearningOps, RatingStepLearnsTablesOfFewRows) {
  // 24 x 16 ratings of a planted model of dim 1: with thousands of ratings in flight nearly all updates would be lost.
  const HostTable user = random_table(random_, 24, 1, 1), item = random_table(random_, 16, 1, 1);
  HostBatch batch;
  for (std::uint64_t n = 0; n < 24 * 16; ++n) {
    batch.users.push_back(static_cast<Row>(n % 24));
    batch.items.push_back(static_cast<Row>(n / 24));
    batch.ratings.push_back(3 + user.at(n % 24, 0) * item.at(n / 24, 0));
  }
  TestModel model(backend(), random_, 24, 16, 4, OptimizerKind::kAdagrad);
  const TestBatch device(backend(), batch);
  RatingLoss loss;
  loss.mean = 3;
  OptimizerStep step = step_of(OptimizerKind::kAdagrad);
  step.learning_rate = 0.1f;
  double rmse = 0;
  for (int epoch = 0; epoch < 60; ++epoch) {
    const GuardedArray<double> error(backend(), std::vector<double>{0});
    run_rating_step(backend(), model.parameters(), device.view(), loss, step, error.data());
    rmse = std::sqrt(error.download()[0] / static_cast<double>(batch.size()));
  }
  EXPECT_LT(rmse, 0.1);
}

TEST_P(LearningOps, RatingGradientsMatchAndRepeatBitForBit) {
  constexpr std::uint64_t kUsers = 19, kItems = 23;
  for (const std::uint32_t dim : kAwkwardDims) {
    for (const std::uint64_t n : {0u, 1u, 333u}) {
      SCOPED_TRACE(testing::Message() << "dim " << dim << " ratings " << n);
      TestModel model(backend(), random_, kUsers, kItems, dim, OptimizerKind::kSgd);
      const std::uint32_t stride = backend().row_stride(dim);
      const HostBatch batch = random_batch(random_, random_rows(random_, kUsers, n), random_rows(random_, kItems, n));
      const TestBatch device(backend(), batch);
      const RatingLoss loss = loss_of(dim % 2 == 0, dim % 3 == 0);
      const ReferenceGradients expected = reference_rating_gradients(model.reference(), batch, loss);
      std::vector<float> first_bits;
      for (int round = 0; round < 2; ++round) {
        const GuardedArray<float> user(backend(), n * stride), item(backend(), n * stride);
        const GuardedArray<float> user_bias(backend(), n), item_bias(backend(), n);
        const GuardedArray<double> error(backend(), std::vector<double>{0});
        backend().rating_gradients(model.parameters(), device.view(), loss, {user.data(), n, dim, stride},
                                   {item.data(), n, dim, stride}, user_bias.data(), item_bias.data(), error.data());
        const std::vector<float> p = user.download(), q = item.download();
        const std::vector<float> b = user_bias.download(), c = item_bias.download();
        for (std::uint64_t r = 0; r < n; ++r) {
          for (std::uint32_t k = 0; k < stride; ++k) {
            const std::uint64_t at = r * dim + k;
            ASSERT_TRUE(within(p[r * stride + k], k < dim ? expected.user[at] : Bounded(0))) << r << ", " << k;
            ASSERT_TRUE(within(q[r * stride + k], k < dim ? expected.item[at] : Bounded(0))) << r << ", " << k;
          }
          ASSERT_TRUE(within(b[r], expected.user_bias[r]));
          ASSERT_TRUE(within(c[r], expected.item_bias[r]));
        }
        const double sum = error.download()[0];
        EXPECT_TRUE(within(sum, expected.squared_error));
        std::vector<float> bits = p;
        bits.resize(bits.size() + 2);
        std::memcpy(bits.data() + p.size(), &sum, sizeof(sum));
        if (round == 0) first_bits = bits;
        EXPECT_TRUE(same_bits(first_bits, bits));
      }
    }
  }
}

// Runs update_rows once and returns the weights' bits.
std::vector<float> updated(Backend& backend, TestTable& table, const std::vector<Row>& rows, const HostTable& gradient,
                           const OptimizerStep& step) {
  const GuardedArray<Row> device_rows(backend, rows);
  const GuardedArray<float> device_gradient(backend, gradient.values);
  const GuardedArray<std::byte> workspace(backend, backend.update_rows_workspace_bytes(rows.size()));
  backend.update_rows(table.view(), device_rows.data(), rows.size(),
                      {device_gradient.data(), rows.size(), gradient.cols, gradient.stride}, step,
                      {workspace.data(), workspace.size()});
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

TEST_P(LearningOps, UpdateRowsSumsEqualRowsAndUpdatesOnce) {
  constexpr std::uint64_t kRows = 41;
  for (const std::uint32_t dim : kAwkwardDims) {
    for (const OptimizerKind kind : kKinds) {
      for (const std::vector<Row>& rows : row_batches(random_, kRows)) {
        if (dim > 200 && rows.size() > 1 && kind != OptimizerKind::kAdam) continue;
        const bool as_bias = dim == 1 && rows.size() % 2 == 0;
        SCOPED_TRACE(testing::Message() << "dim " << dim << " kind " << static_cast<int>(kind) << " rows "
                                        << rows.size());
        const std::uint32_t stride = as_bias ? 1 : backend().row_stride(dim);
        TestTable table(backend(), random_table(random_, kRows, dim, stride), kind);
        const HostTable gradient = random_table(random_, rows.size(), dim, stride, 0.5f);
        for (int round = 0; round < 2; ++round) {
          updated(backend(), table, rows, gradient, step_of(kind));
          reference_update_rows(table.reference, rows, gradient.view(), step_of(kind));
        }
        table.expect_equal("table");
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(LearningOps, UpdateRowsGivesEqualBitsWhateverElseIsInTheBatch) {
  constexpr std::uint64_t kRows = 41;
  constexpr std::uint32_t kDim = 100;
  const HostTable start = random_table(random_, kRows, kDim, backend().row_stride(kDim));
  for (const std::vector<Row>& rows : row_batches(random_, kRows)) {
    const HostTable gradient = random_table(random_, rows.size(), kDim, start.stride);
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
    TestTable a(backend(), start, OptimizerKind::kAdam), b(backend(), start, OptimizerKind::kAdam);
    EXPECT_TRUE(same_bits(updated(backend(), a, rows, gradient, step_of(OptimizerKind::kAdam)),
                          updated(backend(), b, other_rows, other, step_of(OptimizerKind::kAdam))))
        << rows.size() << " rows";
  }
}

UNFOLD_FOR_EVERY_BACKEND(LearningOps);

}  // namespace
}  // namespace unfold::test
