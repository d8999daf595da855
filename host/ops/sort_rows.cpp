#include "host/ops/sort_rows.hpp"

#include <array>
#include <utility>

#include "host/ops/ops.hpp"

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

std::uint64_t workspace_bytes(const SortRows& op, int /*n_threads*/) { return 2 * sizeof(RowPosition) * op.n_rows; }

void run(const SortRows& op, std::span<std::byte> workspace, int /*n_threads*/) {
  const std::uint64_t n = op.n_rows;
  auto* const first_half = reinterpret_cast<RowPosition*>(workspace.data());
  const std::span<const RowPosition> entries = sort_rows({op.rows, n}, {first_half, n}, {first_half + n, n});
  const SortedRows& sorted = op.sorted;
  std::uint32_t n_segments = 0;
  for (std::uint32_t k = 0; k < n; ++k) {
    const Row row = entries[k].row;
    sorted.rows[k] = row;
    sorted.order[k] = entries[k].position;
    if (k == 0 || row != entries[k - 1].row) sorted.starts[n_segments++] = k;
  }
  *sorted.n_segments = n_segments;
}

}  // namespace unfold::cpu
