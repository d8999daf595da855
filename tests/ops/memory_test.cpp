// Memory, streaming slots, and tables past 2^31 elements, on every backend.
#include <algorithm>
#include <vector>

#include "tests/ops/parity.hpp"
#include "tests/support/sparse_array.hpp"

namespace unfold::test {
namespace {

using selfcheck::GuardedArray;
using selfcheck::HostTable;
using selfcheck::random_table;
using selfcheck::same_bits;

class BackendMemory : public BackendParity {};

TEST_P(BackendMemory, AllocationIsZeroedAndFreed) {
  const DeviceArray<float> array(backend(), 1000);
  std::vector<float> values(1000, std::numeric_limits<float>::quiet_NaN());
  array.download(std::span(values));
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float x) { return x == 0; }));
  EXPECT_EQ(backend().allocate(0), nullptr);
  const bool is_cuda = std::string(GetParam()) != "Cpu";
  EXPECT_EQ(backend().name(), is_cuda ? "cuda" : "cpu");
  EXPECT_NE(backend().description().find(is_cuda ? "driver" : "3 threads"), std::string::npos);
}

TEST_P(BackendMemory, TooLargeAnAllocationNamesBothNumbersAndLeavesTheDeviceUsable) {
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

TEST_P(BackendMemory, CopiesWithinTheDeviceInOrderWithOps) {
  const std::vector<float> values = {1, 2, 3, 4};
  const DeviceArray<float> to(backend(), 4), from(backend(), 4);
  backend().copy_to_device(from.data(), values.data(), from.bytes());
  backend().copy_on_device(to.data(), from.data(), 3 * sizeof(float));
  backend().fill_zero(from.data(), from.bytes());
  backend().copy_on_device(nullptr, nullptr, 0);
  std::vector<float> got(4);
  to.download(std::span(got));
  EXPECT_EQ(got, (std::vector<float>{1, 2, 3, 0}));
}

TEST_P(BackendMemory, SlotsHandBatchesOver) {
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
    backend().run(LookupRows{.table = MatrixView<const float>{device, 1, kFloats, kFloats},
                             .rows = rows.data(),
                             .n_rows = 1,
                             .out = {copy.data(), 1, kFloats, kFloats}});
    slot->release();
    std::vector<float> got(kFloats);
    copy.download(std::span(got));
    for (std::uint64_t k = 0; k < kFloats; ++k) ASSERT_EQ(got[k], static_cast<float>(k + round)) << "round " << round;
  }
}

// Three rows of a table whose offsets pass 2^31 and 2^32 elements give the bits that they give as a table of their own.
class LargeTable : public BackendParity {
 protected:
  static constexpr std::uint32_t kDim = 128;
  static constexpr std::uint64_t kLargeRows = (std::uint64_t{1} << 25) + 3;  // 16 GiB
  const std::vector<Row> large_rows_ = {0, (1u << 24) + 1, static_cast<Row>(kLargeRows - 1)};
  const std::vector<Row> small_rows_ = {0, 1, 2};

  static bool in_host_memory() { return std::string(GetParam()) != "Cuda"; }

  // A table with the three rows at `rows`, which `use` is called with; returns the three rows after that.
  template <typename Use>
  std::vector<float> with_table(const std::vector<Row>& rows, const HostTable& values, Use&& use) {
    const std::uint64_t n_rows = rows.back() + 1ull;
    const SparseArray<float> table(backend(), in_host_memory(), n_rows * kDim);
    if (table.data() == nullptr) return {};
    for (std::size_t k = 0; k < rows.size(); ++k) {
      backend().copy_to_device(table.data() + rows[k] * std::uint64_t{kDim}, &values.values[k * kDim], kDim * 4);
    }
    const GuardedArray<Row> device_rows(backend(), rows);
    use(MatrixView<float>{table.data(), n_rows, kDim, kDim}, device_rows.data());
    std::vector<float> out(rows.size() * kDim);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      backend().copy_to_host(&out[k * kDim], table.data() + rows[k] * std::uint64_t{kDim}, kDim * 4);
    }
    return out;
  }

  // use(table, rows) -> what it computes, on both tables.
  template <typename Use>
  void expect_equal(Use&& use) {
    const HostTable values = random_table(random_, 3, kDim, kDim);
    std::vector<float> of_large, of_small;
    const std::vector<float> large =
        with_table(large_rows_, values, [&](MatrixView<float> table, const Row* rows) { of_large = use(table, rows); });
    if (large.empty()) GTEST_SKIP() << "needs 17 GiB free";
    const std::vector<float> small =
        with_table(small_rows_, values, [&](MatrixView<float> table, const Row* rows) { of_small = use(table, rows); });
    EXPECT_TRUE(same_bits(large, small));
    EXPECT_TRUE(same_bits(of_large, of_small));
  }
};

TEST_P(LargeTable, LookupRows) {
  expect_equal([&](MatrixView<float> table, const Row* rows) {
    const GuardedArray<float> out(backend(), 3 * kDim);
    backend().run(LookupRows{.table = table, .rows = rows, .n_rows = 3, .out = {out.data(), 3, kDim, kDim}});
    return out.download();
  });
}

TEST_P(LargeTable, UpdateRows) {
  const HostTable gradient = random_table(random_, 3, kDim, kDim);
  expect_equal([&](MatrixView<float> table, const Row* rows) {
    const GuardedArray<float> device_gradient(backend(), gradient.values);
    const selfcheck::TestSort sort(backend(), rows, 3, table.rows);
    selfcheck::run_op(backend(),
                      UpdateRows{.table = {table, nullptr, nullptr, nullptr},
                                 .sorted = sort.view(),
                                 .gradient = {MatrixView<const float>{device_gradient.data(), 3, kDim, kDim}},
                                 .step = selfcheck::step_of(OptimizerKind::kSgd)});
    return std::vector<float>();
  });
}

TEST_P(LargeTable, RatingsOfUsers) {
  const HostTable items = random_table(random_, 3, kDim, kDim);
  const RatingLoss loss = selfcheck::loss_of(true, false);
  expect_equal([&](MatrixView<float> users, const Row* rows) {
    const GuardedArray<float> item_factors(backend(), items.values), ratings(backend(), {1, 2, 3});
    const GuardedArray<float> by_score(backend(), 3), gradient(backend(), 3 * kDim), bias_gradient(backend(), 3);
    const GuardedArray<float> prediction(backend(), 3);
    const GuardedArray<Row> item_rows(backend(), small_rows_);
    const GuardedArray<double> error(backend(), std::vector<double>{0});
    const SparseArray<float> user_bias(backend(), in_host_memory(), users.rows);
    const GuardedArray<float> item_bias(backend(), {0.5f, 0.25f, 0.125f});
    const MfParameters parameters = {{users, nullptr, nullptr, nullptr},
                                     {MatrixView<float>{item_factors.data(), 3, kDim, kDim}, nullptr, nullptr, nullptr},
                                     {MatrixView<float>{user_bias.data(), users.rows, 1, 1}, nullptr, nullptr, nullptr},
                                     {MatrixView<float>{item_bias.data(), 3, 1, 1}, nullptr, nullptr, nullptr}};
    const RatingBatch batch = {rows, item_rows.data(), ratings.data(), 3};
    backend().run(PredictRatings{.parameters = parameters,
                                 .users = rows,
                                 .items = item_rows.data(),
                                 .n_pairs = 3,
                                 .link = loss.link,
                                 .prediction = prediction.data()});
    const selfcheck::TestSort sort(backend(), rows, 3, users.rows);
    selfcheck::run_op(backend(), RatingGradients{.parameters = parameters,
                                                 .batch = batch,
                                                 .loss = loss,
                                                 .side = RatingSide::kUsers,
                                                 .sorted = sort.view(),
                                                 .by_score = by_score.data(),
                                                 .gradient = {gradient.data(), 3, kDim, kDim},
                                                 .bias_gradient = bias_gradient.data(),
                                                 .squared_error = error.data()});
    selfcheck::run_rating_step(backend(), parameters, batch, loss, selfcheck::step_of(OptimizerKind::kSgd),
                               error.data());
    std::vector<float> out = prediction.download();
    for (const auto* part : {&by_score, &gradient, &item_factors, &item_bias, &bias_gradient}) {
      const std::vector<float> values = part->download();
      out.insert(out.end(), values.begin(), values.end());
    }
    return out;
  });
}

UNFOLD_FOR_EVERY_BACKEND(BackendMemory);
UNFOLD_FOR_EVERY_BACKEND(LargeTable);

}  // namespace
}  // namespace unfold::test
