// Every kernel of kernels/ has been run by the emulator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/selfcheck/checks.hpp"
#include "tests/simt/emulated_backend.hpp"
#include "tests/simt/emulator.hpp"
#include "tests/support/test_support.hpp"

namespace unfold::test {
namespace {

// The names of the __global__ functions in the sources of kernels/: the word before the first parenthesis that is not
// __launch_bounds__'s.
std::set<std::string> kernels_in_sources(const std::filesystem::path& sources) {
  constexpr std::string_view kGlobal = "__global__", kBounds = "__launch_bounds__";
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sources / "kernels")) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".cuh" && extension != ".cu") continue;
    const std::string text = read_file(entry.path());
    for (std::size_t at = text.find(kGlobal); at != std::string::npos; at = text.find(kGlobal, at + 1)) {
      std::size_t open = text.find('(', at);
      const std::size_t bounds = text.find(kBounds, at);
      if (bounds < open) open = text.find('(', text.find(')', open));
      if (open == std::string::npos) {
        ADD_FAILURE() << entry.path() << " ends within a kernel's declaration";
        break;
      }
      std::size_t begin = open;
      while (std::isalnum(static_cast<unsigned char>(text[begin - 1])) != 0 || text[begin - 1] == '_') --begin;
      EXPECT_LT(begin, open) << entry.path() << " declares a kernel in a form that this test does not read";
      const bool is_new = names.insert(text.substr(begin, open - begin)).second;
      EXPECT_TRUE(is_new) << entry.path() << " has a kernel of a name that another has: one of them could go unseen";
    }
  }
  return names;
}

// The kernels that no launch has run yet.
std::set<std::string> kernels_not_run(const std::filesystem::path& sources) {
  std::set<std::string> names = kernels_in_sources(sources);
  for (const auto& [kernel, n_launches] : simt::report().launches) names.erase(kernel);
  return names;
}

// The parity suite runs every check in every dim: here a kernel has to be run, whatever for.
constexpr std::uint32_t kOneDim[] = {33};

TEST(Emulator, RunsEveryKernel) {
  UNFOLD_REQUIRE_SOURCES(sources);
  const auto before = simt::report().launches;  // of other tests' kernels, in the same process
  const std::unique_ptr<Backend> backend = make_emulated_backend();
  const std::vector<selfcheck::NamedCheck> checks = selfcheck::all_checks();
  const auto run = [&](const selfcheck::NamedCheck& op_check) {
    selfcheck::Checker check;
    selfcheck::CheckRun its{*backend, check, kOneDim, false, std::mt19937_64(1)};
    op_check.run(its);
    backend->synchronize();
    EXPECT_EQ(check.n_failed(), 0u) << op_check.name;
  };
  // The first check of an op is of its formula, the last of what it does seldom; the others while a kernel is missing.
  std::vector<selfcheck::NamedCheck> others;
  for (std::size_t n = 0; n < checks.size(); ++n) {
    const std::string op = checks[n].op;
    const bool is_first = n == 0 || checks[n - 1].op != op;
    const bool is_last = n + 1 == checks.size() || checks[n + 1].op != op;
    if (is_first || is_last) {
      run(checks[n]);
    } else {
      others.push_back(checks[n]);
    }
  }
  for (const selfcheck::NamedCheck& op_check : others) {
    if (!kernels_not_run(sources).empty()) run(op_check);
  }
  for (const std::string& kernel : kernels_not_run(sources)) {
    ADD_FAILURE() << kernel << " is run by no check of host/selfcheck";
  }

  const simt::Report report = simt::report();
  const std::set<std::string> kernels = kernels_in_sources(sources);
  // A kernel that runs and is not found was declared in a form that the search above does not read.
  for (const auto& [kernel, n_launches] : report.launches) {
    EXPECT_TRUE(kernels.contains(kernel) || before.contains(kernel)) << kernel;
  }
  fmt::print("{} kernels in kernels/\n", kernels.size());
  for (const std::string& kernel : kernels) {
    const auto found = report.launches.find(kernel);
    fmt::print("  {:32} {} launches\n", kernel, found != report.launches.end() ? found->second : 0);
  }
}

}  // namespace
}  // namespace unfold::test
