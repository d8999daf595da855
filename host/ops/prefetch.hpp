// Rows that will be read soon, fetched a cache line at a time.
#pragma once

#include <cstdint>

#include "hwy/cache_control.h"

namespace unfold::cpu {

inline constexpr std::uint64_t kCacheLineBytes = 64;
// Cache lines asked for ahead: enough to cover the latency of the last-level cache, few enough for the core's line fill
// buffers and first-level cache to hold.
inline constexpr std::uint64_t kLinesAhead = 48;

// How many rows ahead that is, of rows that take `bytes` in all their tables.
constexpr std::uint64_t rows_ahead(std::uint64_t bytes) { return 1 + kLinesAhead * kCacheLineBytes / bytes; }

inline void prefetch(const void* from, std::uint64_t bytes) {
  const char* const first = static_cast<const char*>(from);
  for (std::uint64_t k = 0; k < bytes; k += kCacheLineBytes) hwy::Prefetch(first + k);
}

template <typename Element>
void prefetch_row(const Element* row, std::uint64_t stride) {
  prefetch(row, stride * sizeof(Element));
}

}  // namespace unfold::cpu
