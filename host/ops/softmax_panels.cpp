#include "host/ops/softmax_panels.hpp"

#include "host/ops/item_tiles.hpp"

namespace unfold::cpu {

PackedNegatives::PackedNegatives(WorkspaceCutter& cutter, MatrixView<const float> vectors, const Row* rows,
                                 std::uint32_t dim)
    : dim_(dim), n_padded_(round_up<std::uint64_t>(vectors.rows, kPanelItems)) {
  panels_ = cutter.take<float>(n_padded_ / kPanelItems * panel_size(dim));
  auto* const first = cutter.take<RowPosition>(vectors.rows);
  auto* const second = cutter.take<RowPosition>(vectors.rows);
  auto* const bits = cutter.take<std::uint32_t>(RowFilter::n_words(vectors.rows));
  if (vectors.rows == 0) return;
  filter_ = RowFilter({rows, vectors.rows}, bits);
  sorted_ = sort_rows({rows, vectors.rows}, {first, vectors.rows}, {second, vectors.rows});
}

std::uint64_t PackedNegatives::bytes(std::uint64_t n, std::uint32_t dim) {
  return WorkspaceCutter::bytes<float>(round_up<std::uint64_t>(n, kPanelItems) / kPanelItems * panel_size(dim)) +
         2 * WorkspaceCutter::bytes<RowPosition>(n) + WorkspaceCutter::bytes<std::uint32_t>(RowFilter::n_words(n));
}

void PackedNegatives::pack(MatrixView<const float> vectors, const float* bias, int n_threads) const {
  pack_panels(vectors, bias, 0, n_padded_, n_threads, panels_);
}

}  // namespace unfold::cpu
