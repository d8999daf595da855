// Where the items that a user knows stand among a batch's shared negatives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "host/ops/row_filter.hpp"
#include "host/ops/sort_rows.hpp"
#include "host/ops/workspace_cutter.hpp"
#include "unfold/negative_sampling.hpp"

namespace unfold::cpu {

class SharedPlaces {
 public:
  SharedPlaces() = default;
  // Of the n negatives `rows`, in any order.
  SharedPlaces(WorkspaceCutter& cutter, const Row* rows, std::uint64_t n);
  static std::uint64_t bytes(std::uint64_t n);

  // Calls visit(place) for every place whose row is known.
  template <typename Visit>
  void for_each(const KnownRows& known, Visit&& visit) const {
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
  std::span<const RowPosition> sorted_;
  RowFilter filter_;
};

}  // namespace unfold::cpu
