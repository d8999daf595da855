// What tests of the emulator share. Kernels are written as in kernels/ and launched as there.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/launch.hpp"
#include "kernels/simt.cuh"
#include "tests/simt/emulator.hpp"

namespace unfold::test {

inline constexpr std::uint64_t kOrders = 30;  // seeds that a test tries

template <auto kKernel, typename... Arguments>
void launch(const cuda::Grid& grid, const Arguments&... arguments) {
  cuda::launch_kernel<kKernel>(cuda::Launch(), grid, arguments...);
}

// The words of the KernelError that the launch ends with.
template <auto kKernel, typename... Arguments>
std::string error_of(const cuda::Grid& grid, const Arguments&... arguments) {
  try {
    launch<kKernel>(grid, arguments...);
  } catch (const simt::KernelError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// Counts the seeds under which run() gives other values than `expected`.
template <typename T, typename Run>
std::uint64_t count_wrong(const std::vector<T>& expected, Run&& run) {
  const std::uint64_t base = simt::seed();
  std::uint64_t wrong = 0;
  for (std::uint64_t order = 0; order < kOrders; ++order) {
    simt::set_seed(base + order);
    if (run() != expected) ++wrong;
  }
  simt::set_seed(base);
  return wrong;
}

inline void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " is not in: " << text;
}

}  // namespace unfold::test
