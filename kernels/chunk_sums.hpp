// The part of a workspace that holds the sums of chunks of long segments (segments.cuh).
#pragma once

#include <cstdint>

#include "kernels/segments.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {

// Of n_slots rows of `cols` columns, in whole packs, and of their biases.
inline ChunkSums take_chunk_sums(Workspace& workspace, std::uint64_t n_slots, std::uint32_t cols) {
  ChunkSums sums;
  sums.stride = (cols + 7u) / 8u * 8u;
  sums.rows = workspace.take<float>(n_slots * sums.stride);
  sums.bias = workspace.take<float>(n_slots);
  return sums;
}

}  // namespace unfold::cuda
