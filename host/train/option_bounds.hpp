// The whole numbers that an option takes.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace unfold {

struct WholeNumbers {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

  bool hold(std::uint64_t value) const { return value >= least && value <= most; }
  // "1 to 1024"; "1 or more" where they have no end.
  std::string to_string() const;
};

// Those of an option of training, by its name.
WholeNumbers bounds_of(std::string_view option);

}  // namespace unfold
