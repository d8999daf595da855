#include <algorithm>

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
  const std::uint64_t n = op.table.rows * op.table.stride, n_slices = (n + kSlice - 1) / kSlice;
  std::uint64_t count = 0;
#pragma omp parallel for num_threads(threads_for(n / 64, n_threads)) schedule(static) reduction(+ : count)
  for (std::uint64_t s = 0; s < n_slices; ++s)
    count += count_slice(op.table, s * kSlice, std::min(n, (s + 1) * kSlice));
  *op.count += count;
}

}  // namespace unfold::cpu
