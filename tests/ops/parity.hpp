// What tests of every backend share: the backends' names, one backend a test, skipped where its device is absent.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>

#include "host/selfcheck/op_inputs.hpp"
#include "unfold/error.hpp"
#if defined(UNFOLD_WITH_EMULATOR)
#include "tests/simt/emulated_backend.hpp"
#include "tests/simt/emulator.hpp"
#endif

namespace unfold::test {

inline constexpr std::uint64_t kSeed = 20240917;
#if defined(UNFOLD_WITH_EMULATOR)
inline constexpr const char* kBackends[] = {"Cpu", "Emulated", "Cuda"};
#else
inline constexpr const char* kBackends[] = {"Cpu", "Cuda"};
#endif

// More threads than cores, so that slices end everywhere.
inline constexpr unsigned kParityThreads = 3;

// Null where the device is absent: then the test is skipped, or has failed under UNFOLD_REQUIRE_GPU=1.
inline std::unique_ptr<Backend> backend_or_skip(const std::string& name) {
  if (name == "Cpu") return make_cpu_backend(kParityThreads);
#if defined(UNFOLD_WITH_EMULATOR)
  if (name == "Emulated") {
    simt::set_seed(simt::seed());  // a test's order does not depend on the tests before it
    return make_emulated_backend();
  }
#endif
  std::string reason;
  try {
    return make_cuda_backend(0);
  } catch (const DeviceError& error) {
    reason = error.what();
  }
  const char* const required = std::getenv("UNFOLD_REQUIRE_GPU");
  const auto skip_or_fail = [&] {
    if (required != nullptr && std::string(required) == "1") FAIL() << "UNFOLD_REQUIRE_GPU=1, but " << reason;
    GTEST_SKIP() << reason;
  };
  skip_or_fail();
  return nullptr;
}

class BackendParity : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { owner_ = backend_or_skip(GetParam()); }
  Backend& backend() { return *owner_; }

  selfcheck::Checker check_;  // for the guards of arrays
  std::mt19937_64 random_{kSeed};

  void TearDown() override {
    owner_.reset();
    for (const std::string& failure : check_.failures()) ADD_FAILURE() << failure;
  }

 private:
  std::unique_ptr<Backend> owner_;
};

// Runs a suite's cases on every backend.
#define UNFOLD_FOR_EVERY_BACKEND(Suite)                                           \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::ValuesIn(::unfold::test::kBackends), \
                           [](const auto& i) { return std::string(i.param); })

}  // namespace unfold::test
