// Zeroed host memory, aligned to cache lines; large blocks ask for huge pages, since rows of a large table are
// read at random and would miss the TLB on small ones.
#pragma once

#include <cstdint>

namespace unfold::cpu {

// nullptr when the system has none. `bytes` > 0.
void* allocate_zeroed(std::uint64_t bytes) noexcept;
void release(void* pointer, std::uint64_t bytes) noexcept;

}  // namespace unfold::cpu
