// The segments of a sorted batch: its places that have the same row.
#pragma once

#include <algorithm>
#include <cstdint>

#include "unfold/op_arguments.hpp"

namespace unfold::cpu {

struct Segment {
  std::uint64_t begin = 0, end = 0;  // places in SortedRows::order
  Row row = 0;
};

inline Segment segment_of(const SortedRows& batch, std::uint64_t s) {
  const std::uint64_t begin = batch.starts[s];
  return {begin, s + 1 < *batch.n_segments ? batch.starts[s + 1] : batch.n, batch.rows[begin]};
}

// The first segment that begins at the place or after it: their number where none does.
inline std::uint64_t segment_from(const SortedRows& batch, std::uint64_t place) {
  const std::uint32_t* const begin = batch.starts;
  return static_cast<std::uint64_t>(std::lower_bound(begin, begin + *batch.n_segments, place) - begin);
}

}  // namespace unfold::cpu
