// Which user meets which item in a synthetic data set.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/matrix_view.hpp"
#include "unfold/synthetic.hpp"

namespace unfold {

struct SyntheticPair {
  Row user;
  Row item;
};

// The streams of numbers in a synthetic data set: `step` of random_block. Each has positions of its own.
enum class SyntheticStream : std::uint32_t {
  kUserCount = 1,
  kItem = 2,
  kShuffle = 3,
  kUserBias = 4,
  kItemBias = 5,
  kUserFactor = 6,
  kItemFactor = 7,
  kNoise = 8,
};

// Pairs that a data set of this size and number of groups can have at most.
std::uint64_t count_possible_pairs(const SyntheticOptions& options);

// options.n_ratings distinct pairs in random order. Needs n_ratings <= count_possible_pairs(options). Time is linear
// in ratings, users and items, but for a user who takes most items of the group: then it is linear in these.
std::vector<SyntheticPair> draw_synthetic_pairs(const SyntheticOptions& options);

}  // namespace unfold
