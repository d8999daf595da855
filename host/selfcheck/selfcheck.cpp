#include "unfold/selfcheck.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "host/selfcheck/checks.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace selfcheck {

std::vector<OpCheck> all_checks() {
  std::vector<OpCheck> all;
  for (const std::span<const OpCheck> list :
       {learning_checks(), pooling_checks(), sampling_checks(), transform_checks(), softmax_checks(),
        hard_negative_checks(), scoring_checks(), selection_checks()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

SelfcheckResult run_check(Backend& backend, const OpCheck& op_check, bool thorough, std::uint64_t seed) {
  const auto started = std::chrono::steady_clock::now();
  SelfcheckResult result;
  result.op = op_check.op;
  result.name = op_check.name;
  Checker check;
  const std::span<const std::uint32_t> dims = thorough ? std::span<const std::uint32_t>(kAwkwardDims) : kQuickDims;
  try {
    CheckRun run{backend, check, dims, thorough, std::mt19937_64(seed)};
    op_check.run(run);
    backend.synchronize();
  } catch (const Error& error) {
    check.that(false, "{}", error.what());
  }
  result.n_compared = check.n_compared();
  result.n_failed = check.n_failed();
  result.worst_share = check.worst_share();
  result.failures = check.failures();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

}  // namespace selfcheck

std::vector<SelfcheckResult> run_selfcheck(Backend& backend, const SelfcheckOptions& options,
                                           const std::function<void(const SelfcheckResult&)>& each,
                                           const std::function<bool()>& stop) {
  std::vector<selfcheck::OpCheck> checks = selfcheck::all_checks();
  if (!options.op.empty()) {
    std::vector<std::string> ops;
    for (const selfcheck::OpCheck& check : checks) {
      if (std::find(ops.begin(), ops.end(), check.op) == ops.end()) ops.emplace_back(check.op);
    }
    std::erase_if(checks, [&](const selfcheck::OpCheck& check) { return check.op != options.op; });
    if (checks.empty()) throw UsageError(fmt::format("op '{}': use one of {}", options.op, fmt::join(ops, ", ")));
  }
  std::vector<SelfcheckResult> results;
  for (const selfcheck::OpCheck& check : checks) {
    if (stop && stop()) break;
    results.push_back(selfcheck::run_check(backend, check, !options.quick, options.seed));
    if (each) each(results.back());
  }
  return results;
}

}  // namespace unfold
