#include "unfold/selfcheck.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <string_view>

#include "host/selfcheck/checks.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace selfcheck {

namespace {

// "TopK" is "top_k".
std::string snake_case(std::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    const bool is_upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (is_upper && !snake.empty()) snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return snake;
}

}  // namespace

std::vector<NamedCheck> all_checks() {
  std::vector<NamedCheck> all;
  const auto add = [&](std::string_view op, std::span<const OpCheck> checks) {
    for (const OpCheck& check : checks) all.push_back({check, snake_case(op)});
  };
#define UNFOLD_OP(Op) add(#Op, checks_of<Op>());
#include "unfold/ops.def"
#undef UNFOLD_OP
  return all;
}

SelfcheckResult run_check(Backend& backend, const NamedCheck& op_check, bool thorough, std::uint64_t seed) {
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
  std::vector<selfcheck::NamedCheck> checks = selfcheck::all_checks();
  if (!options.op.empty()) {
    std::vector<std::string> ops;
    for (const selfcheck::NamedCheck& check : checks) {
      if (std::find(ops.begin(), ops.end(), check.op) == ops.end()) ops.emplace_back(check.op);
    }
    std::erase_if(checks, [&](const selfcheck::NamedCheck& check) { return check.op != options.op; });
    if (checks.empty()) throw UsageError(fmt::format("op '{}': use one of {}", options.op, fmt::join(ops, ", ")));
  }
  std::vector<SelfcheckResult> results;
  for (const selfcheck::NamedCheck& check : checks) {
    if (stop && stop()) break;
    results.push_back(selfcheck::run_check(backend, check, !options.quick, options.seed));
    if (each) each(results.back());
  }
  return results;
}

}  // namespace unfold
