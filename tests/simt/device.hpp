// What device code asks of the emulator. Called inside run_kernel's kernel, by include/cuda_runtime.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>

namespace simt {

// As CUDA's built-in variables of these names. A dimension is one number here: kernels use x.
struct Index {
  unsigned x = 0, y = 0, z = 0;
};
struct Extent {
  unsigned x = 1, y = 1, z = 1;
};
inline thread_local constinit Index thread_index, block_index;
inline thread_local constinit Extent block_extent, grid_extent;

// Waits for the whole block. All of it must come to the same place in the source.
void barrier(const std::source_location& where);

enum class Exchange : std::uint8_t { kNothing, kShuffle, kVote, kMatch, kCollective };

// Waits for the lanes in `mask`, which all pass the same mask. Returns, by `kind`: nothing; the value of `source`; the
// lanes whose value is not 0; the lanes whose value equals the caller's; nothing, see run_together.
std::uint64_t exchange(Exchange kind, std::uint32_t mask, std::uint64_t value, unsigned source,
                       const std::source_location& where);

// What a warp does as a whole: its lanes' parts, which derive from this, and what to do with all 32 of them.
struct Collective {
  void (*run)(Collective* const* lanes);
};
// Waits for the whole warp, whose last lane to come calls lane.run with everyone's part. All have to bring the same
// one.
inline void run_together(Collective& lane, const std::source_location& where) {
  exchange(Exchange::kCollective, 0xFFFFFFFFu, reinterpret_cast<std::uintptr_t>(&lane), 0, where);
}

// The block's array that belongs to a declaration: `key` is an address which is the declaration's own.
void* shared_array(const void* key, std::size_t bytes, std::size_t alignment);
// The block's array of the size that the launch gave.
void* dynamic_shared();

}  // namespace simt
