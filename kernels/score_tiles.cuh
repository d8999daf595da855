// Tiles of scores that cuBLAS writes, and what kernels over them share: where a query's list stands, the bias, and
// taking items out of the running.
#pragma once

#include <cmath>

#include "kernels/simt.cuh"
#include "unfold/op_arguments.hpp"

namespace unfold::cuda {

// A tile of scores: queries first_query.. and items first_item.., where items before `first_new` were in the tile
// before this one (the last tile overlaps it, so that all tiles have one shape).
struct ScoreTile {
  float* scores = nullptr;
  std::uint64_t stride = 0;
  std::uint64_t first_query = 0, n_queries = 0;
  std::uint64_t first_item = 0, n_items = 0;
  std::uint64_t first_new = 0;

  __device__ inline float* row(std::uint64_t query) const { return scores + (query - first_query) * stride; }
  __device__ inline std::uint64_t end_item() const { return first_item + n_items; }
};

// Where a query's list stands in ids; nowhere where there are no lists at all.
struct ListPlace {
  std::uint64_t begin = 0, end = 0;
};
__device__ inline ListPlace list_of(const RowLists& lists, std::uint64_t query) {
  if (lists.offsets == nullptr) return {};
  return {lists.offsets[query], lists.offsets[query + 1]};
}

__device__ inline float biased(float score, const float* item_bias, std::uint64_t item) {
  return item_bias == nullptr ? score : score + item_bias[item];
}

// The first place in ids[begin, end) that holds `row` or a higher one.
__device__ inline std::uint64_t lower_bound(const Row* ids, std::uint64_t begin, std::uint64_t end, std::uint64_t row) {
  while (begin < end) {
    const std::uint64_t middle = begin + (end - begin) / 2;
    if (ids[middle] < row) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

// Scores of the list's items in the tile become NaN. For n_workers threads, of which this is number `worker`.
__device__ inline void mask_list(const ScoreTile& tile, std::uint64_t query, const RowLists& lists, unsigned worker,
                                 unsigned n_workers) {
  const ListPlace list = list_of(lists, query);
  std::uint64_t k = lower_bound(lists.ids, list.begin, list.end, tile.first_item);
  for (k += worker; k < list.end && lists.ids[k] < tile.end_item(); k += n_workers) {
    tile.row(query)[lists.ids[k] - tile.first_item] = NAN;
  }
}

}  // namespace unfold::cuda
