#include "host/ops/item_tiles.hpp"

#include <fmt/format.h>

#include <memory>

#include "host/ops/ops.hpp"
#include "unfold/error.hpp"

namespace unfold::cpu {
namespace {

// Packed items beyond this no longer fit in a core's second-level cache.
constexpr std::uint64_t kUsefulBytes = std::uint64_t{1} << 20;

}  // namespace

ListCursor::ListCursor(const RowLists& lists, std::uint64_t q, std::uint64_t first_item) {
  if (lists.offsets == nullptr) return;
  end_ = lists.ids + lists.offsets[q + 1];
  next_ = std::lower_bound(lists.ids + lists.offsets[q], end_, first_item);
}

ItemTiles::ItemTiles(const char* op, MatrixView<const float> queries, MatrixView<const float> items,
                     const float* item_bias, std::span<std::byte> memory)
    : queries_(queries), items_(items), item_bias_(item_bias), panels_(reinterpret_cast<float*>(memory.data())) {
  const std::uint64_t panel_bytes = panel_size(items.cols) * sizeof(float);
  const std::uint64_t n_panels =
      std::min<std::uint64_t>(memory.size(), std::max(kUsefulBytes, panel_bytes)) / panel_bytes;
  if (n_panels == 0) {
    throw DeviceError(fmt::format("{}: a panel of {} columns takes {} bytes, the workspace has {} for it", op,
                                  items.cols, panel_bytes, memory.size()));
  }
  n_stretch_items_ = n_panels * kPanelWidth;
}

void pack_panel(MatrixView<const float> items, const float* item_bias, std::uint64_t first, float* panel) {
  const std::uint32_t dim = items.cols;
  const std::uint64_t n = std::min<std::uint64_t>(kPanelWidth, items.rows - first);
  if (n < kPanelWidth) std::fill_n(panel, panel_size(dim), 0.0f);
  for (std::uint64_t i = 0; i < n; ++i) {
    const float* const row = items.row(first + i);
    for (std::uint64_t k = 0; k < dim; ++k) panel[k * kPanelWidth + i] = row[k];
  }
  float* const bias = panel + std::uint64_t{dim} * kPanelWidth;
  for (std::uint64_t i = 0; i < n; ++i) bias[i] = item_bias == nullptr ? 0.0f : item_bias[first + i];
}

void pack_panels(MatrixView<const float> items, const float* item_bias, std::uint64_t first, std::uint64_t last,
                 int n_threads, float* panels) {
  constexpr std::uint64_t kSlice = 8 * kPanelWidth;
  const int threads = threads_for_rows(last - first, items.stride, n_threads);
  parallel_slices(last - first, kSlice, threads, [&](std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; i += kPanelWidth) {
      pack_panel(items, item_bias, first + i, panels + i / kPanelWidth * panel_size(items.cols));
    }
  });
}

std::span<std::byte> aligned_workspace(const char* op, std::span<std::byte> workspace, std::uint64_t wanted) {
  void* cursor = workspace.data();
  std::size_t left = workspace.size();
  if (std::align(ItemTiles::kAlignment, 1, cursor, left) == nullptr || workspace.size() < wanted) {
    throw DeviceError(fmt::format("{}: the workspace has {} bytes, {} are needed", op, workspace.size(), wanted));
  }
  return {static_cast<std::byte*>(cursor), left};
}

}  // namespace unfold::cpu
