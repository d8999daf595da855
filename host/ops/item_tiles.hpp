// Walks over the scores of queries x items in small tiles: items are packed into panels a stretch at a time, every
// thread scores its blocks of queries against them, and a score lives in a few KiB of stack until it was visited.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "host/ops/ops.hpp"
#include "host/ops/rank_tiles.hpp"
#include "unfold/op_arguments.hpp"

namespace unfold::cpu {

// Takes the list's items out of the running, tile after tile in ascending order.
class ListCursor {
 public:
  ListCursor() = default;
  // At the first of query q's items not below first_item. Without lists (null offsets) there are none.
  ListCursor(const RowLists& lists, std::uint64_t q, std::uint64_t first_item);
  // Scores of the list's items in [first, first + n) become NaN.
  void mask(std::uint64_t first, std::uint64_t n, float* scores) {
    for (; next_ != end_ && *next_ < first + n; ++next_) {
      scores[*next_ - first] = std::numeric_limits<float>::quiet_NaN();
    }
  }

 private:
  const Row* next_ = nullptr;
  const Row* end_ = nullptr;
};

// Packs items [first, first + kPanelWidth) and their biases (null: 0), those past the last as zeros.
void pack_panel(MatrixView<const float> items, const float* item_bias, std::uint64_t first, float* panel);

// Packs items [first, last), those past the table's last as zeros, one panel after another.
void pack_panels(MatrixView<const float> items, const float* item_bias, std::uint64_t first, std::uint64_t last,
                 int n_threads, float* panels);

// One query's scores of items [first_item, first_item + n_items), padded with NaN to whole panels.
struct ScoreRow {
  std::uint64_t query = 0;
  std::uint64_t first_item = 0, n_items = 0;
  float* scores = nullptr;
  std::uint32_t n_padded = 0;
};

class ItemTiles {
 public:
  static constexpr std::uint64_t kAlignment = 64;
  // A panel of 2047 columns: what every workspace has room for.
  static constexpr std::uint64_t kMinBytes = (std::uint64_t{256} << 10) + kAlignment;

  // `memory` is aligned to kAlignment; of it as much is used as pays. Throws DeviceError, naming the op, where not even
  // one panel fits.
  ItemTiles(const char* op, MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
            std::span<std::byte> memory);

  // Calls visit(row) for every query and every tile of items, of each query by one thread at a time with items in
  // ascending order. `lists` are taken out of the running.
  template <std::size_t kLists, typename Visit>
  void for_each_score_row(const RowLists (&lists)[kLists], int n_threads, const Visit& visit) const {
    n_threads = threads_for_products(queries_.rows, items_.rows, items_.cols, n_threads);
    for (std::uint64_t first = 0; first < items_.rows; first += n_stretch_items_) {
      const std::uint64_t end = std::min(items_.rows, first + n_stretch_items_);
      pack_panels(items_, item_bias_, first, end, n_threads, panels_);
      parallel_slices(queries_.rows, kQueriesAPiece, n_threads, [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t q = from; q < to; q += kTileQueries) visit_block(q, first, end, lists, visit);
      });
    }
  }

 private:
  static constexpr std::uint64_t kQueriesAPiece = 4 * kTileQueries;

  template <std::size_t kLists, typename Visit>
  void visit_block(std::uint64_t first_query, std::uint64_t first_item, std::uint64_t end_item,
                   const RowLists (&lists)[kLists], const Visit& visit) const {
    alignas(kAlignment) float scores[std::size_t{kTileQueries} * kTileItems];
    const std::uint64_t n = std::min<std::uint64_t>(kTileQueries, queries_.rows - first_query);
    ListCursor cursors[kTileQueries][kLists];
    for (std::uint64_t q = 0; q < n; ++q) {
      for (std::size_t l = 0; l < kLists; ++l) cursors[q][l] = ListCursor(lists[l], first_query + q, first_item);
    }
    const float* panels = panels_;
    for (std::uint64_t first = first_item; first < end_item; first += kTileItems) {
      const std::uint64_t n_items = std::min<std::uint64_t>(kTileItems, end_item - first);
      const auto n_panels = static_cast<std::uint32_t>(panels_for(n_items));
      score_products({queries_.row(first_query), queries_.stride, 1}, items_.cols, panels, n_panels, scores, kTileItems,
                     n);
      panels += n_panels * panel_size(items_.cols);
      for (std::uint64_t q = 0; q < n; ++q) {
        float* const row = scores + q * kTileItems;
        for (ListCursor& cursor : cursors[q]) cursor.mask(first, n_items, row);
        std::fill(row + n_items, row + n_panels * kPanelWidth, std::numeric_limits<float>::quiet_NaN());
        visit(ScoreRow{first_query + q, first, n_items, row, n_panels * kPanelWidth});
      }
    }
  }

  MatrixView<const float> queries_, items_;
  const float* item_bias_;
  float* panels_;
  std::uint64_t n_stretch_items_;
};

// The part of a workspace that begins at a multiple of ItemTiles::kAlignment. Throws DeviceError, naming the op, where
// the workspace has fewer than `wanted` bytes.
std::span<std::byte> aligned_workspace(const char* op, std::span<std::byte> workspace, std::uint64_t wanted);

}  // namespace unfold::cpu
