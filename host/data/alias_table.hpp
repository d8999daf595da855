// Draws from a discrete distribution in constant time (Walker 1977; set up in linear time, Vose 1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/random.hpp"

namespace unfold {

class AliasTable {
 public:
  // `weights` are finite, not negative and not all zero; there are fewer than 2^32 of them.
  explicit AliasTable(std::span<const double> weights);

  // A position of `weights`, from four 32-bit draws.
  std::uint32_t draw(const RandomBlock& bits) const {
    const auto slot = static_cast<std::uint32_t>(uniform_below(bits.v[0], bits.v[1], slots_.size()));
    return uniform_double(bits.v[2], bits.v[3]) < slots_[slot].keep ? slot : slots_[slot].other;
  }

 private:
  struct Slot {
    double keep = 1;          // probability of the slot's own position
    std::uint32_t other = 0;  // the position drawn otherwise
  };
  std::vector<Slot> slots_;
};

}  // namespace unfold
