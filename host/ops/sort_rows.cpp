#include "host/ops/sort_rows.hpp"

#include <array>
#include <utility>

namespace unfold::cpu {

std::span<RowPosition> sort_rows(std::span<const Row> rows, std::span<RowPosition> buffer,
                                 std::span<RowPosition> spare) {
  constexpr int kDigitBits = 11;
  constexpr std::uint32_t kBuckets = 1u << kDigitBits;
  Row any = 0;
  for (std::uint32_t n = 0; n < rows.size(); ++n) {
    buffer[n] = {rows[n], n};
    any |= rows[n];
  }
  for (int shift = 0; shift < 32 && (any >> shift) != 0; shift += kDigitBits) {
    std::array<std::uint32_t, kBuckets> next{};
    for (const RowPosition& entry : buffer) ++next[(entry.row >> shift) % kBuckets];
    std::uint32_t start = 0;
    for (std::uint32_t& count : next) start += std::exchange(count, start);
    for (const RowPosition& entry : buffer) spare[next[(entry.row >> shift) % kBuckets]++] = entry;
    std::swap(buffer, spare);
  }
  return buffer;
}

}  // namespace unfold::cpu
