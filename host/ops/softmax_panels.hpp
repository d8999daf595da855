// Shared negatives as the tiles of rank_tiles.hpp want them, and where each item stands among them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "host/ops/rank_tiles.hpp"
#include "host/ops/row_filter.hpp"
#include "host/ops/sort_rows.hpp"
#include "unfold/negative_sampling.hpp"

namespace unfold::cpu {

template <typename T>
constexpr T round_up(T n, T to) {
  return (n + to - 1) / to * to;
}

// Cuts a workspace that begins at a multiple of 64 bytes into arrays that do.
class WorkspaceCutter {
 public:
  explicit WorkspaceCutter(std::span<std::byte> memory) : memory_(memory) {}
  template <typename T>
  static std::uint64_t bytes(std::uint64_t n) {
    return round_up<std::uint64_t>(n * sizeof(T), 64);
  }
  template <typename T>
  T* take(std::uint64_t n) {
    auto* const array = reinterpret_cast<T*>(memory_.data());
    memory_ = memory_.subspan(std::min<std::uint64_t>(bytes<T>(n), memory_.size()));
    return array;
  }
  std::uint64_t left_bytes() const { return memory_.size(); }

 private:
  std::span<std::byte> memory_;
};

class PackedNegatives {
 public:
  PackedNegatives() = default;
  PackedNegatives(WorkspaceCutter& cutter, MatrixView<const float> vectors, const Row* rows, std::uint32_t dim);
  static std::uint64_t bytes(std::uint64_t n, std::uint32_t dim);

  std::uint64_t n_padded() const { return n_padded_; }  // whole panels
  // The panel of negative j, a multiple of kPanelItems.
  const float* panel(std::uint64_t j) const { return panels_ + j / kPanelItems * panel_size(dim_); }
  void pack(MatrixView<const float> vectors, const float* bias, int n_threads) const;

  // Calls visit(place) for every place whose row is known.
  template <typename Visit>
  void for_each_place(const KnownRows& known, Visit&& visit) const {
    constexpr std::uint64_t kPiece = 256;
    Row candidates[kPiece + RowFilter::kSlack];
    const RowPosition* at = sorted_.data();
    const RowPosition* const end = at + sorted_.size();
    for (std::uint64_t first = 0; first < known.size; first += kPiece) {
      const std::size_t n = filter_.find({known.ids + first, std::min(kPiece, known.size - first)}, candidates);
      for (const Row row : std::span(candidates, n)) {
        // Both are ascending.
        at = std::lower_bound(at, end, row, [](const RowPosition& a, Row b) { return a.row < b; });
        for (; at != end && at->row == row; ++at) visit(at->position);
      }
    }
  }

 private:
  std::uint32_t dim_ = 0;
  std::uint64_t n_padded_ = 0;
  float* panels_ = nullptr;
  std::span<const RowPosition> sorted_;
  RowFilter filter_;
};

}  // namespace unfold::cpu
