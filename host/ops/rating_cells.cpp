#include "host/ops/rating_cells.hpp"

#include <algorithm>
#include <utility>

namespace unfold::cpu {
namespace {

std::uint64_t column_bytes(std::uint64_t batch_size) { return (batch_size * 4 + 63) / 64 * 64; }

}  // namespace

std::uint64_t RatingCells::workspace_bytes(std::uint64_t batch_size, int n_threads) {
  const auto threads = static_cast<std::uint64_t>(n_threads);
  return 4 * column_bytes(batch_size) + 8 * threads * counter_stride(threads);
}

RatingCells::RatingCells(const RatingBatch& batch, int n_threads, bool with_positions, std::span<std::byte> workspace)
    : batch_(batch), n_groups_(static_cast<std::uint32_t>(n_threads)) {
  std::byte* memory = workspace.data();
  const auto take = [&memory](std::uint64_t bytes) { return std::exchange(memory, memory + bytes); };
  users_ = reinterpret_cast<Row*>(take(column_bytes(batch.size)));
  items_ = reinterpret_cast<Row*>(take(column_bytes(batch.size)));
  ratings_ = reinterpret_cast<float*>(take(column_bytes(batch.size)));
  auto* const positions = reinterpret_cast<std::uint32_t*>(take(column_bytes(batch.size)));
  positions_ = with_positions ? positions : nullptr;
  next_ = reinterpret_cast<std::uint64_t*>(memory);
}

void RatingCells::count(std::uint32_t part) {
  std::uint64_t* const counts = counters(part);
  std::fill(counts, counts + n_cells(), 0);
  for (std::uint64_t n = part_start(part); n < part_start(part + 1); ++n) ++counts[cell_of(n)];
}

void RatingCells::place() {
  std::uint64_t at = 0;
  for (std::uint64_t cell = 0; cell < n_cells(); ++cell) {
    for (std::uint64_t part = 0; part < n_groups_; ++part) at += std::exchange(counters(part)[cell], at);
  }
}

void RatingCells::scatter(std::uint32_t part) {
  std::uint64_t* const next = counters(part);
  for (std::uint64_t n = part_start(part); n < part_start(part + 1); ++n) {
    const std::uint64_t to = next[cell_of(n)]++;
    users_[to] = batch_.users[n];
    items_[to] = batch_.items[n];
    ratings_[to] = batch_.ratings[n];
    if (positions_ != nullptr) positions_[to] = static_cast<std::uint32_t>(n);
  }
}

RatingCell RatingCells::cell(std::uint32_t user_group, std::uint32_t item_group) const {
  const std::uint64_t* const ends = counters(n_groups_ - 1);
  const std::uint64_t cell = std::uint64_t{user_group} * n_groups_ + item_group;
  const std::uint64_t first = cell == 0 ? 0 : ends[cell - 1];
  return {{users_ + first, items_ + first, ratings_ + first, ends[cell] - first},
          positions_ == nullptr ? nullptr : positions_ + first};
}

}  // namespace unfold::cpu
