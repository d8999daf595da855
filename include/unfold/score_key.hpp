// A score and its row in one integer that orders as results do: higher scores first, then lower rows. Keys of a list
// differ, so that its k best are the same whatever order they are found in.
#pragma once

#include <cstdint>

#include "unfold/float16.hpp"
#include "unfold/host_device.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold {

// The least key: no item. A score that is not a number has no other.
inline constexpr std::uint64_t kNoScoreKey = 0;

UNFOLD_HOST_DEVICE inline std::uint64_t score_key(float score, Row row) {
  if (score != score) return kNoScoreKey;
  const std::uint32_t bits = float_bits(score + 0.0f);  // -0 becomes 0, which it equals
  // Negative numbers order the other way round, below positive ones.
  const std::uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<std::uint64_t>(ordered) << 32 | static_cast<std::uint32_t>(~row);
}

// -infinity and kNoRow for kNoScoreKey.
UNFOLD_HOST_DEVICE inline float score_of_key(std::uint64_t key) {
  if (key == kNoScoreKey) return bits_float(0xFF800000u);
  const std::uint32_t ordered = static_cast<std::uint32_t>(key >> 32);
  return bits_float((ordered & 0x80000000u) != 0 ? ordered & 0x7FFFFFFFu : ~ordered);
}
UNFOLD_HOST_DEVICE inline Row row_of_key(std::uint64_t key) {
  return key == kNoScoreKey ? kNoRow : ~static_cast<Row>(key);
}

}  // namespace unfold
