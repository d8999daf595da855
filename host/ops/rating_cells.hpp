// A batch cut into cells that threads can update without meeting (Gemulla, Nijkamp, Haas and Sismanis, Large-Scale
// Matrix Factorization with Distributed Stochastic Gradient Descent, KDD 2011: stratified SGD).
//
// With T threads, users and items fall into T groups each, and a rating into the cell (user group, item group). In
// round r thread t takes cell (t, (t + r) mod T): no two threads touch the same row at once, and a user's row stays
// with one thread. So no update is lost, the result depends on T alone, and caches do not pass rows to and fro, which
// on two cores costs as much as the second core brings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "unfold/backend.hpp"

namespace unfold::cpu {

// The group of a row. Blocks of 64 rows stay together: their biases share cache lines, and the hardware's prefetchers,
// which run on to neighbouring rows of a page, would otherwise fetch what another core is writing.
inline std::uint32_t row_group(Row row, std::uint32_t n_groups) {
  const std::uint32_t mixed = (row / 64) * 0x9E3779B1u;
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(mixed) * n_groups) >> 32);
}

struct RatingCell {
  RatingBatch ratings;
  const std::uint32_t* positions = nullptr;  // of each in the batch, ascending; null where they were not wanted
};

class RatingCells {
 public:
  static std::uint64_t workspace_bytes(std::uint64_t batch_size, int n_threads);

  // `workspace` holds workspace_bytes and outlives the cells. with_positions: 16-bit tables, which are rounded by
  // position.
  RatingCells(const RatingBatch& batch, int n_threads, bool with_positions, std::span<std::byte> workspace);

  // Sort the batch by cell, in batch order within a cell: count() and then scatter() for each of n_threads parts of
  // the batch, on any threads, with place() on one thread between them.
  void count(std::uint32_t part);
  void place();
  void scatter(std::uint32_t part);

  RatingCell cell(std::uint32_t user_group, std::uint32_t item_group) const;

 private:
  std::uint64_t n_cells() const { return std::uint64_t{n_groups_} * n_groups_; }
  std::uint64_t* counters(std::uint64_t part) const { return next_ + part * counter_stride(n_groups_); }
  // Counters of two parts are two cache lines apart, as cores fetch lines in pairs.
  static std::uint64_t counter_stride(std::uint64_t n_groups) { return (n_groups * n_groups + 15) / 16 * 16; }
  std::uint64_t part_start(std::uint32_t part) const { return batch_.size * part / n_groups_; }
  std::uint32_t cell_of(std::uint64_t n) const {
    return row_group(batch_.users[n], n_groups_) * n_groups_ + row_group(batch_.items[n], n_groups_);
  }

  RatingBatch batch_;
  std::uint32_t n_groups_;
  Row* users_;
  Row* items_;
  float* ratings_;
  std::uint32_t* positions_;  // null: not wanted
  // [n_threads, counter_stride]: how many ratings of a cell a part holds, then where the next of them goes. After
  // scatter the last part's row holds the ends of the cells.
  std::uint64_t* next_;
};

}  // namespace unfold::cpu
