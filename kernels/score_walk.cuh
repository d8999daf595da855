// How launchers walk over the scores of queries x items, tile by tile, in the memory there is.
#pragma once

#include <algorithm>

#include "kernels/blas.hpp"
#include "kernels/score_tiles.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {

// Queries of a tile at most, where memory allows: enough for cuBLAS to reuse each item row many times.
inline constexpr std::uint64_t kMaxTileQueries = 1024;
// With fewer queries a tile that holds all items reads them too often; then two passes over narrow tiles are less.
inline constexpr std::uint64_t kMinTileQueries = 128;
// The least tile that an op accepts.
inline constexpr std::uint64_t kLeastTileQueries = 64;
inline constexpr std::uint64_t kLeastTileItems = 4096;

class ScoreWalk {
 public:
  // The tile takes the rest of `memory`; see Workspace::fits.
  ScoreWalk(Blas& blas, MatrixView<const float> queries, MatrixView<const float> items, Workspace& memory)
      : blas_(blas), queries_(queries), items_(items) {
    choose_tile(std::min<std::uint64_t>(memory.left_bytes() / sizeof(float), 0x7FFFFFFFu));
    stride_ = round_up_4(n_tile_items_);
    scores_ = memory.take<float>(n_tile_queries_ * stride_);
  }
  static std::uint64_t least_floats(std::uint64_t n_queries, std::uint64_t n_items) {
    return std::min(n_queries, kLeastTileQueries) * std::min(round_up_4(n_items), kLeastTileItems);
  }

  bool holds_all_items() const { return n_tile_items_ == items_.rows; }

  // Calls visit(block) for one block of queries after another: tiles without scores as yet.
  template <typename Visit>
  void for_each_query_block(Visit&& visit) const {
    for (std::uint64_t first = 0; first < queries_.rows; first += n_tile_queries_) {
      visit(ScoreTile{scores_, stride_, first, std::min(n_tile_queries_, queries_.rows - first), 0, n_tile_items_, 0});
    }
  }

  // Calls visit(tile) for the block's item tiles in ascending order, each after its scores. All have the same shape, so
  // that cuBLAS adds every score up in the same order and equal item vectors tie: the last tile begins early enough to
  // be full.
  template <typename Visit>
  void for_each_item_tile(ScoreTile tile, Visit&& visit) const {
    for (std::uint64_t first = 0; first < items_.rows; first += n_tile_items_) {
      tile.first_new = first;
      tile.first_item = std::min(first, items_.rows - n_tile_items_);
      blas_.scores({queries_.row(tile.first_query), tile.n_queries, queries_.cols, queries_.stride},
                   {items_.row(tile.first_item), tile.n_items, items_.cols, items_.stride}, tile.scores, tile.stride);
      visit(tile);
    }
  }

 private:
  static std::uint64_t round_up_4(std::uint64_t n) { return (n + 3) / 4 * 4; }

  // The shape of every tile, from the floats there are. All items in one where that leaves enough queries: then two
  // passes over a block's scores need them computed once.
  void choose_tile(std::uint64_t n_floats) {
    const std::uint64_t most = std::min(queries_.rows, kMaxTileQueries);
    n_tile_queries_ = std::min(most, n_floats / round_up_4(items_.rows));
    n_tile_items_ = items_.rows;
    if (n_tile_queries_ >= std::min(queries_.rows, kMinTileQueries)) return;
    // A shape near 1024 queries wide; where memory is short, still kLeastTileItems items.
    n_tile_queries_ = std::clamp<std::uint64_t>(n_floats / kLeastTileItems, 1, most);
    n_tile_items_ = std::min(items_.rows, std::max<std::uint64_t>(n_floats / n_tile_queries_ / 4 * 4, 1));
  }

  Blas& blas_;
  MatrixView<const float> queries_, items_;
  std::uint64_t n_tile_queries_ = 0, n_tile_items_ = 0, stride_ = 0;
  float* scores_ = nullptr;
};

}  // namespace unfold::cuda
