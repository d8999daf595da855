// Counter-based random numbers: Philox4x32 (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011). A
// draw is a pure function of (seed, purpose, step, position): the same on CPU and GPU, for any number of threads, and
// with no state to save.
#pragma once

#include <cmath>
#include <cstdint>

#include "unfold/host_device.hpp"

namespace unfold {

struct StepVariables;

// What a draw is for. Two purposes never share a number.
enum class RandomPurpose : std::uint32_t {
  kInitUser = 1,
  kInitItem = 2,
  kShuffleImport = 3,
  kShuffleEpoch = 4,
  kSplit = 5,
  kSynthetic = 6,
  kValidationSplit = 7,
  kRounding = 8,
  kNegatives = 9,
  kDropout = 10,
  kSelection = 11,
};

struct RandomBlock {
  std::uint32_t v[4];
};

// Four 32-bit draws for a 64-bit key and a 128-bit counter. The authors use ten rounds, and find seven to be the fewest
// that pass the tests of BigCrush (their table 2).
template <int kRounds = 10>
UNFOLD_HOST_DEVICE inline RandomBlock philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t c0 = static_cast<std::uint32_t>(counter_low);
  std::uint32_t c1 = static_cast<std::uint32_t>(counter_low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(counter_high);
  std::uint32_t c3 = static_cast<std::uint32_t>(counter_high >> 32);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = static_cast<std::uint64_t>(0xD2511F53u) * c0;
    const std::uint64_t product1 = static_cast<std::uint64_t>(0xCD9E8D57u) * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c0 = n0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = n2;
    c3 = static_cast<std::uint32_t>(product0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

UNFOLD_HOST_DEVICE inline RandomBlock random_block(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step,
                                                   std::uint64_t position) {
  return philox(seed, position, (static_cast<std::uint64_t>(purpose) << 32) | step);
}

// Which draws a batch makes: those of a step, from a position in it on. So a step gives the same draws in one batch or
// in several. Where `now` is given, the step is the one that it holds when an op runs (at_step of step_variables.hpp).
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint64_t first_position = 0;
  const StepVariables* now = nullptr;
};

// Uniform in [0, 1): 24 bits, exact in a float.
UNFOLD_HOST_DEVICE inline float uniform_float(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1.0p-24f; }

// Uniform in [0, 1): 53 bits.
UNFOLD_HOST_DEVICE inline double uniform_double(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>(((static_cast<std::uint64_t>(high) << 32) | low) >> 11) * 0x1.0p-53;
}

// Uniform in [0, n) without modulo bias beyond n / 2^64 (multiply-shift, Lemire 2019). Requires n > 0.
UNFOLD_HOST_DEVICE inline std::uint64_t uniform_below(std::uint32_t high, std::uint32_t low, std::uint64_t n) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
#if defined(__CUDA_ARCH__)
  return __umul64hi(bits, n);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(bits) * n) >> 64);
#endif
}

// Two standard normal draws from two 32-bit draws (Box and Muller 1958).
inline void normal_pair(std::uint32_t a, std::uint32_t b, double& first, double& second) {
  const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(a) + 0.5) * 0x1.0p-32));
  const double angle = 6.283185307179586 * (static_cast<double>(b) * 0x1.0p-32);
  first = radius * std::cos(angle);
  second = radius * std::sin(angle);
}

}  // namespace unfold
