// The one list of checks of ops, each against the float64 reference of op_reference.hpp: the parity suite runs them
// thoroughly on every backend, `unfold selfcheck` quickly on one.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "host/selfcheck/checker.hpp"
#include "unfold/backend.hpp"
#include "unfold/selfcheck.hpp"

namespace unfold::selfcheck {

// Every way a row can sit in vectors and lanes.
inline constexpr std::uint32_t kAwkwardDims[] = {1, 3, 4, 31, 32, 33, 50, 64, 100, 128, 200, 256, 512, 1024};
// One of each kind: a scalar, less than a vector, a lane too many, the common one, the largest.
inline constexpr std::uint32_t kQuickDims[] = {1, 3, 33, 128, 1024};

struct CheckRun {
  Backend& backend;
  Checker& check;
  std::span<const std::uint32_t> dims;
  bool thorough;           // false: fewer cases will do
  std::mt19937_64 random;  // seeded, the same for every backend
};

struct OpCheck {
  const char* op;    // TopK of unfold/ops.def is "top_k"
  const char* name;  // what must hold, UpperCamel: "RatingGradientsRepeatBitForBit"
  void (*run)(CheckRun&);
};

// One list a source file.
std::span<const OpCheck> learning_checks();
std::span<const OpCheck> pooling_checks();
std::span<const OpCheck> sampling_checks();
std::span<const OpCheck> transform_checks();
std::span<const OpCheck> softmax_checks();
std::span<const OpCheck> hard_negative_checks();
std::span<const OpCheck> scoring_checks();
std::span<const OpCheck> selection_checks();
std::vector<OpCheck> all_checks();

// Runs one check; an unfold::Error that it throws is a failure in the result.
SelfcheckResult run_check(Backend& backend, const OpCheck& op_check, bool thorough, std::uint64_t seed);

}  // namespace unfold::selfcheck
