// Shared negatives as the tiles of rank_tiles.hpp want them, and where each item stands among them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "host/ops/rank_tiles.hpp"
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
  // Called by all threads of a parallel region.
  void pack(MatrixView<const float> vectors, const float* bias) const;

  // Calls visit(place) for every place whose row is known.
  template <typename Visit>
  void for_each_place(const KnownRows& known, Visit&& visit) const {
    const RowPosition* at = sorted_.data();
    const RowPosition* const end = at + sorted_.size();
    for (std::uint64_t k = 0; k < known.size && at != end; ++k) {
      if (!may_hold(known.ids[k])) continue;
      // Both are ascending.
      at = std::lower_bound(at, end, known.ids[k], [](const RowPosition& a, Row row) { return a.row < row; });
      for (; at != end && at->row == known.ids[k]; ++at) visit(at->position);
    }
  }

 private:
  static std::uint64_t filter_bits(std::uint64_t n) { return std::bit_ceil(std::max<std::uint64_t>(32 * n, 64)); }
  // Which bit of the filter stands for a row (Fibonacci hashing: Knuth, TAOCP 3, section 6.4).
  std::uint64_t filter_bit(Row row) const { return (row * 0x9E3779B97F4A7C15ull) >> filter_shift_; }
  bool may_hold(Row row) const {
    const std::uint64_t bit = filter_bit(row);
    return (filter_[bit / 64] >> bit % 64 & 1) != 0;
  }

  std::uint32_t dim_ = 0;
  std::uint64_t n_padded_ = 0;
  float* panels_ = nullptr;
  std::span<const RowPosition> sorted_;
  std::uint64_t* filter_ = nullptr;  // a bit for each row that is there; one in 32 stands for another too
  int filter_shift_ = 0;
};

}  // namespace unfold::cpu
