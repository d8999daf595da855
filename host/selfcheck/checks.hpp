// The one list of checks of ops, each against the float64 reference of op_reference.hpp: the parity suite runs them
// thoroughly on every backend, `unfold selfcheck` quickly on one.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
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
  const char* name;  // what must hold, UpperCamel: "RatingGradientsRepeatBitForBit"
  void (*run)(CheckRun&);
};

// Those of an op; a source file has those of one op or a few.
template <typename Op>
std::span<const OpCheck> checks_of();
#define UNFOLD_OP(Op) \
  template <>         \
  std::span<const OpCheck> checks_of<Op>();
#include "unfold/ops.def"
#undef UNFOLD_OP

struct NamedCheck : OpCheck {
  std::string op;  // "top_k" for TopK
};
// Of every op, in the order of ops.def.
std::vector<NamedCheck> all_checks();

// Runs one check; an unfold::Error that it throws is a failure in the result.
SelfcheckResult run_check(Backend& backend, const NamedCheck& op_check, bool thorough, std::uint64_t seed);

}  // namespace unfold::selfcheck
