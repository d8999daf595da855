// A batch of resident ratings in an epoch's order of blocks.
// Formula   out[k] = all[order[n / size] * size + n % size], n = first + k
// Shapes    all [ratings], order [blocks], out [n], of users, items, ratings and, where `out` has them, weights
// Work      a block of threads takes tiles of kGatherTile neighbouring ratings, a thread kGatherInFlight of them, a
//           block's width apart: all their loads are asked for before the first store
// Traffic   a rating reads and writes 12 bytes, 16 with weights, 4 at a time by neighbouring threads: whole lines but
//           where a block of ratings begins and ends; a block's number comes from the caches
// Races     none
// Requires  size at most 2^31, every block number in range, first + n at most the number of ratings
#pragma once

#include "kernels/simt.cuh"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

inline constexpr unsigned kGatherThreads = 256;
inline constexpr unsigned kGatherInFlight = 4;
inline constexpr unsigned kGatherTile = kGatherThreads * kGatherInFlight;

__global__ void __launch_bounds__(kGatherThreads)
    gather_ratings_kernel(const RatingBatch all, const std::uint32_t* block_order, const std::uint32_t block_size,
                          const std::uint64_t first, const std::uint64_t n, const RatingArrays out) {
  for (std::uint64_t tile = std::uint64_t{blockIdx.x} * kGatherTile; tile < n;
       tile += std::uint64_t{gridDim.x} * kGatherTile) {
    // One division of 64 bits for the tile; from there on 32 bits hold a place.
    const std::uint64_t first_block = (first + tile) / block_size;
    const auto within_block = static_cast<std::uint32_t>(first + tile - first_block * block_size);
    const auto n_here = static_cast<unsigned>(n - tile < kGatherTile ? n - tile : kGatherTile);
    std::uint64_t source[kGatherInFlight];
    UNFOLD_UNROLL
    for (unsigned k = 0; k < kGatherInFlight; ++k) {
      // Past the end the last one is read again, so that no load waits for a branch.
      const unsigned at = threadIdx.x + k * kGatherThreads;
      const std::uint32_t place = within_block + (at < n_here ? at : n_here - 1), block = place / block_size;
      source[k] = std::uint64_t{block_order[first_block + block]} * block_size + (place - block * block_size);
    }
    Row user[kGatherInFlight], item[kGatherInFlight];
    float rating[kGatherInFlight], weight[kGatherInFlight] = {};
    UNFOLD_UNROLL
    for (unsigned k = 0; k < kGatherInFlight; ++k) {
      user[k] = all.users[source[k]];
      item[k] = all.items[source[k]];
      rating[k] = all.ratings[source[k]];
      if (out.weights != nullptr) weight[k] = all.weights[source[k]];
    }
    UNFOLD_UNROLL
    for (unsigned k = 0; k < kGatherInFlight; ++k) {
      const unsigned at = threadIdx.x + k * kGatherThreads;
      if (at >= n_here) continue;
      out.users[tile + at] = user[k];
      out.items[tile + at] = item[k];
      out.ratings[tile + at] = rating[k];
      if (out.weights != nullptr) out.weights[tile + at] = weight[k];
    }
  }
}

}  // namespace unfold::cuda
