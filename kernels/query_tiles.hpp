// How launchers walk over the scores of queries and all of what they are scored with, some queries at a time, in the
// memory there is. ScoreWalk (score_walk.cuh) cuts the other side too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/workspace.hpp"
#include "unfold/matrix_view.hpp"

namespace unfold::cuda {

// The most bytes of a tile's scores: they stay in the second-level cache between the kernels that share them.
inline constexpr std::uint64_t kTileBytes = std::uint64_t{32} << 20;
// A tile has this many queries where memory allows, also where its scores are more: a product then uses each row often.
inline constexpr std::uint64_t kUsefulTileQueries = 256;
// The least tile that an op accepts.
inline constexpr std::uint64_t kLeastQueries = 64;

template <typename Score>
class QueryTiles {
 public:
  // Takes scores [n_tile_queries, stride] from `memory`, rows aligned to 16 bytes; see Workspace::fits. With
  // n_columns = 0 there are no scores, and all queries are one tile.
  QueryTiles(std::uint64_t n_queries, std::uint64_t n_columns, Workspace& memory)
      : n_queries_(n_queries), n_tile_queries_(n_queries), stride_(padded(n_columns)) {
    if (n_queries == 0 || n_columns == 0) return;
    const std::uint64_t row_bytes = stride_ * sizeof(Score);
    const std::uint64_t wanted = std::max(kTileBytes / row_bytes, kUsefulTileQueries);
    const std::uint64_t most = std::clamp<std::uint64_t>(memory.left_bytes() / row_bytes, 1, wanted);
    const std::uint64_t n_tiles = (n_queries + most - 1) / most;
    n_tile_queries_ = (n_queries + n_tiles - 1) / n_tiles;
    scores_ = memory.take<Score>(n_tile_queries_ * stride_);
  }
  static std::uint64_t least_scores(std::uint64_t n_queries, std::uint64_t n_columns) {
    return std::min(n_queries, kLeastQueries) * padded(n_columns);
  }

  Score* scores() const { return scores_; }
  std::uint64_t stride() const { return stride_; }

  // Calls visit(first query, queries) for one tile after another, of about equal size.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::uint64_t first = 0; first < n_queries_; first += n_tile_queries_) {
      visit(first, std::min(n_tile_queries_, n_queries_ - first));
    }
  }

 private:
  static std::uint64_t padded(std::uint64_t n) {
    constexpr std::uint64_t kPack = 16 / sizeof(Score);
    return (n + kPack - 1) / kPack * kPack;
  }

  std::uint64_t n_queries_, n_tile_queries_, stride_;
  Score* scores_ = nullptr;
};

template <typename T>
MatrixView<T> rows_of(const MatrixView<T>& matrix, std::uint64_t first, std::uint64_t n) {
  return {matrix.row(first), n, matrix.cols, matrix.stride};
}

}  // namespace unfold::cuda
