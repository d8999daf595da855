// How many elements of a table are infinite or NaN.
// Shapes    elements [n], of a table's rows with their padding
// Work      a thread takes kFiniteInFlight packs of 16 bytes at a time; sums in each block, then one addition a block
// Traffic   reads every element once, 16 bytes an access
// Races     blocks add to a whole number atomically: the same sum in any order
// Requires  elements aligned to 16 bytes
#pragma once

#include "kernels/simt.cuh"

namespace unfold::cuda {

inline constexpr unsigned kFiniteThreads = 256;
inline constexpr unsigned kFiniteInFlight = 4;

// Of the elements in a word.
template <typename Element>
__device__ inline unsigned not_finite_in(std::uint32_t word) {
  if constexpr (sizeof(Element) == 4) {
    return is_finite(bits_float(word)) ? 0 : 1;
  } else {
    const bool low = is_finite(Element{static_cast<std::uint16_t>(word)});
    const bool high = is_finite(Element{static_cast<std::uint16_t>(word >> 16)});
    return (low ? 0 : 1) + (high ? 0 : 1);
  }
}

template <typename Element>
__global__ void __launch_bounds__(kFiniteThreads)
    count_not_finite_kernel(const Element* elements, const std::uint64_t n, std::uint64_t* count) {
  constexpr std::uint64_t kPack = 16 / sizeof(Element);
  const std::uint64_t n_packs = n / kPack, n_threads = thread_count();
  const auto* packs = reinterpret_cast<const uint4*>(elements);
  std::uint64_t found = 0;
  for (std::uint64_t first = thread_index(); first < n_packs; first += kFiniteInFlight * n_threads) {
    uint4 pack[kFiniteInFlight];
    UNFOLD_UNROLL
    for (unsigned k = 0; k < kFiniteInFlight; ++k) {
      const std::uint64_t at = first + k * n_threads;
      pack[k] = at < n_packs ? packs[at] : make_uint4(0, 0, 0, 0);
    }
    UNFOLD_UNROLL
    for (unsigned k = 0; k < kFiniteInFlight; ++k) {
      found += not_finite_in<Element>(pack[k].x) + not_finite_in<Element>(pack[k].y) +
               not_finite_in<Element>(pack[k].z) + not_finite_in<Element>(pack[k].w);
    }
  }
  // Past the last whole pack.
  const std::uint64_t rest = n_packs * kPack + thread_index();
  if (rest < n) found += is_finite(elements[rest]) ? 0 : 1;
  found = block_sum(found);
  if (threadIdx.x == 0 && found > 0) atomic_add(count, found);
}

}  // namespace unfold::cuda
