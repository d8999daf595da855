#include "host/ops/shared_places.hpp"

namespace unfold::cpu {

SharedPlaces::SharedPlaces(WorkspaceCutter& cutter, const Row* rows, std::uint64_t n) {
  auto* const first = cutter.take<RowPosition>(n);
  auto* const second = cutter.take<RowPosition>(n);
  auto* const bits = cutter.take<std::uint32_t>(RowFilter::n_words(n));
  if (n == 0) return;
  filter_ = RowFilter({rows, n}, bits);
  sorted_ = sort_rows({rows, n}, {first, n}, {second, n});
}

std::uint64_t SharedPlaces::bytes(std::uint64_t n) {
  return 2 * WorkspaceCutter::bytes<RowPosition>(n) + WorkspaceCutter::bytes<std::uint32_t>(RowFilter::n_words(n));
}

}  // namespace unfold::cpu
