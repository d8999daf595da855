// Checks a device: every op against a float64 reference, with tolerances computed from the rounding of float32. The
// same checks are the project's own parity suite.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "unfold/backend.hpp"

namespace unfold {

struct SelfcheckOptions {
  bool quick = false;      // a few dimensions and sizes instead of all
  std::string op;          // of this op alone, as in backend.hpp; empty: of all
  std::uint64_t seed = 1;  // of the inputs
};

// What one check of one op found.
struct SelfcheckResult {
  std::string op, name;
  std::uint64_t n_compared = 0, n_failed = 0;
  double worst_share = 0;  // the largest error as a share of its tolerance; above 1 is a failure
  double seconds = 0;
  std::vector<std::string> failures;  // the first few in words
  bool passed() const { return n_failed == 0 && n_compared > 0; }
};

// Runs the checks one after another and tells `each` of every result as it comes; `stop` is asked between checks.
// A check that throws an unfold::Error has failed. Throws UsageError for an op that there is no check of.
std::vector<SelfcheckResult> run_selfcheck(Backend& backend, const SelfcheckOptions& options,
                                           const std::function<void(const SelfcheckResult&)>& each = {},
                                           const std::function<bool()>& stop = {});

}  // namespace unfold
