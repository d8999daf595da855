#include <atomic>

#include "host/ops/ops.hpp"

namespace unfold::cpu {
namespace {

// Elements [begin, end) of the table, without a branch an element, so that the compiler uses vectors.
std::uint64_t count_slice(const ConstTableView& table, std::uint64_t begin, std::uint64_t end) {
  return with_element(table.type, [&]<typename Element>() {
    const Element* const elements = table.as<const Element>().data;
    std::uint64_t count = 0;
    for (std::uint64_t k = begin; k < end; ++k) count += is_finite(elements[k]) ? 0u : 1u;
    return count;
  });
}

}  // namespace

void run(const CountNotFinite& op, std::span<std::byte> /*workspace*/, int n_threads) {
  constexpr std::uint64_t kSlice = 65536;
  const std::uint64_t n = op.table.rows * op.table.stride;
  std::atomic<std::uint64_t> count{0};
  parallel_slices(n, kSlice, threads_for(n / 64, n_threads),
                  [&](std::uint64_t first, std::uint64_t last) { count += count_slice(op.table, first, last); });
  *op.count += count;
}

}  // namespace unfold::cpu
