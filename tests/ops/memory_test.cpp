// Memory, streaming slots, and tables past 2^31 elements, on every backend.
#include <algorithm>
#include <vector>

#include "tests/ops/parity.hpp"

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
    backend().lookup_rows(MatrixView<const float>{device, 1, kFloats, kFloats}, rows.data(), 1, {copy.data(), 1, kFloats, kFloats});
    slot->release();
    std::vector<float> got(kFloats);
    copy.download(std::span(got));
    for (std::uint64_t k = 0; k < kFloats; ++k) ASSERT_EQ(got[k], static_cast<float>(k + round)) << "round " << round;
  }
}

TEST_P(BackendMemory, LookupRowsReachesPastTwoToTheThirtyOneElements) {
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

UNFOLD_FOR_EVERY_BACKEND(BackendMemory);

}  // namespace
}  // namespace unfold::test
