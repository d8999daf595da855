// One parity suite: every op on every backend against one float64 reference. The backend is in each test's name. Cases
// of a device that is absent are skipped, or fail where UNFOLD_REQUIRE_GPU=1.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/op_inputs.hpp"
#include "unfold/error.hpp"

namespace unfold::test {

inline constexpr std::uint64_t kSeed = 20240917;
inline constexpr OptimizerKind kKinds[] = {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRowwiseAdagrad,
                                           OptimizerKind::kAdam};
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// More threads than cores, so that slices end everywhere.
inline constexpr unsigned kParityThreads = 3;

class BackendParity : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    if (name == "Cpu") {
      owner_ = make_cpu_backend(kParityThreads);
      return;
    }
    try {
      owner_ = make_cuda_backend(0);
    } catch (const DeviceError& error) {
      const char* required = std::getenv("UNFOLD_REQUIRE_GPU");
      if (required != nullptr && std::string(required) == "1") FAIL() << "UNFOLD_REQUIRE_GPU=1, but " << error.what();
      GTEST_SKIP() << error.what();
    }
  }
  Backend& backend() { return *owner_; }

  std::mt19937_64 random_{kSeed};

 private:
  std::unique_ptr<Backend> owner_;
};

// Runs a suite's cases on every backend.
#define UNFOLD_FOR_EVERY_BACKEND(Suite) \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Values("Cpu", "Cuda"), [](const auto& i) { return std::string(i.param); })

inline OptimizerStep step_of(OptimizerKind kind) {
  OptimizerStep step;
  step.kind = kind;
  return step;
}

inline RatingLoss loss_of(bool use_bias, bool has_range) {
  RatingLoss loss;
  loss.mean = 0.25f;
  loss.scale = 1.5f;
  loss.inverse_variance = 0.4f;
  loss.l2 = 0.02f;
  loss.l2_bias = 0.03f;
  loss.use_bias = use_bias;
  loss.has_range = has_range;
  loss.low = 0.5f;
  loss.high = 5.5f;
  return loss;
}

inline HostBatch random_batch(std::mt19937_64& random, const std::vector<Row>& users, const std::vector<Row>& items) {
  HostBatch batch{users, items, {}};
  std::uniform_real_distribution<float> rating(1, 5);
  for (std::size_t n = 0; n < users.size(); ++n) batch.ratings.push_back(rating(random));
  return batch;
}

inline std::vector<Row> random_rows(std::mt19937_64& random, std::uint64_t n_rows, std::uint64_t n) {
  std::vector<Row> rows(n);
  for (Row& row : rows) row = static_cast<Row>(random() % n_rows);
  if (n > 0) rows[n / 2] = static_cast<Row>(n_rows - 1);
  return rows;
}

}  // namespace unfold::test
