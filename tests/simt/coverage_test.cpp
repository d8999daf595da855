// Every kernel of kernels/ has been run by the emulator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "host/selfcheck/checks.hpp"
#include "tests/simt/emulated_backend.hpp"
#include "tests/simt/emulator.hpp"
#include "tests/support/test_support.hpp"

namespace unfold::test {
namespace {

// The names of the __global__ functions in the sources of kernels/.
std::set<std::string> kernels_in_sources() {
  const std::regex kernel(R"(__global__\s+(?:void\s+|__launch_bounds__\([^)]*\)\s*)*(\w+)\s*\()");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(UNFOLD_SOURCE_DIR "/kernels")) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".cuh" && extension != ".cu") continue;
    const std::string text = read_file(entry.path());
    std::size_t n_found = 0, n_words = 0;
    for (std::sregex_iterator match(text.begin(), text.end(), kernel), end; match != end; ++match, ++n_found) {
      names.insert((*match)[1]);
    }
    for (std::size_t at = text.find("__global__"); at != std::string::npos; at = text.find("__global__", at + 1)) ++n_words;
    EXPECT_EQ(n_found, n_words) << entry.path() << " declares kernels in a form that this test does not read";
  }
  return names;
}

TEST(Emulator, RunsEveryKernel) {
  const std::unique_ptr<Backend> backend = make_emulated_backend();
  for (const selfcheck::OpCheck& op_check : selfcheck::all_checks()) {
    EXPECT_EQ(selfcheck::run_check(*backend, op_check, false, 1).n_failed, 0u) << op_check.name;
  }
  const std::set<std::string> kernels = kernels_in_sources();
  EXPECT_GE(kernels.size(), 10u);
  const simt::Report report = simt::report();
  fmt::print("{} kernels in kernels/\n", kernels.size());
  for (const std::string& kernel : kernels) {
    const auto found = report.launches.find(kernel);
    EXPECT_NE(found, report.launches.end()) << kernel << " is run by no check of host/selfcheck";
    if (found != report.launches.end()) fmt::print("  {:32} {} launches\n", kernel, found->second);
  }
}

}  // namespace
}  // namespace unfold::test
