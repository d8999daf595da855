// A batch of ratings that are all in the backend's memory, gathered in an epoch's order of blocks.
// Formula   with n = first + k and m = block_order[n / block_size] * block_size + n % block_size:
//           out.users[k] = all.users[m]; likewise items, ratings and, where there are any, weights
// Bytes     24 * n_ratings, with weights 32 * n_ratings, and 4 for each block
#pragma once

#include <cstdint>

#include "unfold/op_arguments.hpp"

namespace unfold {

struct GatherRatings {
  RatingBatch all = {};  // every rating, in blocks of block_size; the last block holds what is left
  // [ceil(all.size / block_size)] the number of each block once; a last block that is short stands last.
  const std::uint32_t* block_order = nullptr;
  std::uint32_t block_size = 1;  // ratings, 1 to 2^31
  std::uint64_t first = 0;       // place of the batch's first rating in that order
  std::uint64_t n_ratings = 0;   // first + n_ratings <= all.size
  RatingArrays out = {};         // [n_ratings]
};

}  // namespace unfold
