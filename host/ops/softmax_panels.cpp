#include "host/ops/softmax_panels.hpp"

#include "host/ops/item_tiles.hpp"

namespace unfold::cpu {

PackedNegatives::PackedNegatives(WorkspaceCutter& cutter, MatrixView<const float> vectors, const Row* rows,
                                 std::uint32_t dim)
    : dim_(dim), n_padded_(round_up<std::uint64_t>(vectors.rows, kPanelItems)) {
  panels_ = cutter.take<float>(n_padded_ / kPanelItems * panel_size(dim));
  auto* const first = cutter.take<RowPosition>(vectors.rows);
  auto* const second = cutter.take<RowPosition>(vectors.rows);
  const std::uint64_t n_bits = filter_bits(vectors.rows);
  filter_ = cutter.take<std::uint64_t>(n_bits / 64);
  if (vectors.rows == 0) return;
  filter_shift_ = 64 - std::countr_zero(n_bits);
  std::fill_n(filter_, n_bits / 64, 0);
  for (std::uint64_t j = 0; j < vectors.rows; ++j) {
    const std::uint64_t bit = filter_bit(rows[j]);
    filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
  }
  sorted_ = sort_rows({rows, vectors.rows}, {first, vectors.rows}, {second, vectors.rows});
}

std::uint64_t PackedNegatives::bytes(std::uint64_t n, std::uint32_t dim) {
  return WorkspaceCutter::bytes<float>(round_up<std::uint64_t>(n, kPanelItems) / kPanelItems * panel_size(dim)) +
         2 * WorkspaceCutter::bytes<RowPosition>(n) + WorkspaceCutter::bytes<std::uint64_t>(filter_bits(n) / 64);
}

void PackedNegatives::pack(MatrixView<const float> vectors, const float* bias) const {
#pragma omp for schedule(static)
  for (std::uint64_t first = 0; first < n_padded_; first += kPanelItems) {
    pack_panel(vectors, bias, first, panels_ + first / kPanelItems * panel_size(dim_));
  }
}

}  // namespace unfold::cpu
