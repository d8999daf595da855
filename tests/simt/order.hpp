// Who runs next: drawn from a seed, the same for every compiler and library.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <utility>

#include "tests/simt/block.hpp"

namespace simt {

// Either every ready warp is as likely as another, or one warp runs as far as it can before the next begins: the
// first mixes steps finely, the second lets a warp overtake another that has hardly begun. Lanes of a warp take turns
// at random in both.
class Order {
 public:
  explicit Order(std::uint64_t seed) : state_(seed) { reshuffle(); }

  // Draws the way and the warps' priorities anew.
  void reshuffle() {
    by_priority_ = draw() % 2 == 0;
    std::iota(priorities_.begin(), priorities_.end(), 0u);
    for (unsigned n = kWarps; n > 1; --n) std::swap(priorities_[n - 1], priorities_[draw() % n]);
  }

  // A ready thread of the block, which has one.
  unsigned pick(const Block& block) {
    const std::uint64_t random = draw();
    unsigned warp = one_of(block.ready_warps(), static_cast<unsigned>(random >> 32));
    if (by_priority_) {
      std::size_t k = 0;
      while ((block.ready_warps() >> priorities_[k] & 1) == 0) ++k;
      warp = priorities_[k];
    }
    return warp * kWarp + one_of(block.ready_lanes(warp), static_cast<unsigned>(random));
  }

  // SplitMix64: Steele, Lea and Flood, OOPSLA 2014.
  std::uint64_t draw() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }

 private:
  static constexpr unsigned kWarps = kMaxThreads / kWarp;

  // The first set bit from a random one on.
  static unsigned one_of(std::uint32_t bits, unsigned random) {
    const int start = static_cast<int>(random % 32);
    return static_cast<unsigned>(std::countr_zero(std::rotr(bits, start)) + start) % 32;
  }

  std::uint64_t state_;
  bool by_priority_ = false;
  std::array<unsigned, kWarps> priorities_;
};

}  // namespace simt
