// Every kernel of kernels/ has been run by the emulator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <map>
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

TEST(Emulator, RunsEveryKernel) {
  UNFOLD_REQUIRE_SOURCES(sources);
  const auto before = simt::report().launches;  // of other tests' kernels, in the same process
  const std::unique_ptr<Backend> backend = make_emulated_backend();
  const std::vector<selfcheck::NamedCheck> checks = selfcheck::all_checks();
  const auto run = [&](const selfcheck::NamedCheck& op_check) {
    EXPECT_EQ(selfcheck::run_check(*backend, op_check, false, 1).n_failed, 0u) << op_check.name;
  };
  // One check an op, which is enough for most; the others while a kernel is missing.
  std::map<std::string, selfcheck::NamedCheck> one_of;
  for (const selfcheck::NamedCheck& op_check : checks) one_of.insert_or_assign(op_check.op, op_check);
  for (const auto& [op, op_check] : one_of) run(op_check);
  for (const selfcheck::NamedCheck& op_check : checks) {
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
