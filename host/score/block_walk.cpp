#include "host/score/block_walk.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace unfold {
namespace {

BlockSize sum(const BlockSize& a, const BlockSize& b) {
  return {a.n_queries + b.n_queries, a.n_targets + b.n_targets, a.n_excluded + b.n_excluded};
}

BlockSize most(const BlockSize& a, const BlockSize& b) {
  return {std::max(a.n_queries, b.n_queries), std::max(a.n_targets, b.n_targets), std::max(a.n_excluded, b.n_excluded)};
}

std::vector<Row> all_rows(std::uint64_t n) {
  std::vector<Row> rows(n);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

}  // namespace

BlockWalk::BlockWalk(const Arena& arena, const std::string& name, const Scorer& scorer, std::vector<Row> users,
                     const UserLists& excluded, const BlockNeeds& needs)
    : needs_(needs),
      n_items_(scorer.n_items()),
      dim_(scorer.query_dim()),
      stride_(scorer.query_stride()),
      users_(std::move(users)),
      excluded_(&excluded) {
  allocate(arena, name);
}

BlockWalk::BlockWalk(const Arena& arena, const std::string& name, const Scorer& scorer, RowLists excluded,
                     const BlockNeeds& needs)
    : needs_(needs),
      n_items_(scorer.n_items()),
      dim_(scorer.query_dim()),
      stride_(scorer.query_stride()),
      users_(all_rows(scorer.n_users())),
      resident_(excluded) {
  allocate(arena, name);
}

std::uint64_t BlockWalk::bytes(const BlockSize& block) const {
  const std::uint64_t query_bytes = block.n_queries * (sizeof(float) * stride_ + 2 * sizeof(Row));
  const std::uint64_t list_bytes = excluded_ == nullptr ? 0 : DeviceLists::bytes(block.n_queries, block.n_excluded);
  return query_bytes + list_bytes + needs_.array_bytes(block) + needs_.workspace_bytes(block);
}

BlockSize BlockWalk::size_of(Row user) const {
  return {1, needs_.n_targets ? needs_.n_targets(user) : 0, excluded_ == nullptr ? 0 : excluded_->size(user)};
}

// Blocks of at most memory_bytes, a user at least.
void BlockWalk::cut() {
  BlockSize block;
  for (std::uint64_t n = 0; n < users_.size(); ++n) {
    const BlockSize user = size_of(users_[n]);
    const BlockSize with_user = sum(block, user);
    const bool is_full = with_user.n_queries > needs_.max_queries || bytes(with_user) > needs_.memory_bytes;
    if (is_full && block.n_queries > 0) {
      ends_.push_back(n);
      largest_ = most(largest_, block);
      block = user;
    } else {
      block = with_user;
    }
  }
  if (block.n_queries == 0) return;
  ends_.push_back(users_.size());
  largest_ = most(largest_, block);
}

void BlockWalk::allocate(const Arena& arena, const std::string& name) {
  cut();
  if (users_.empty()) return;
  rows_ = arena.array<Row>(name, largest_.n_queries);
  queries_ = arena.array<float>(name, largest_.n_queries * stride_);
  if (excluded_ != nullptr) lists_ = DeviceLists(arena, name, largest_.n_queries, largest_.n_excluded);
  const std::uint64_t used = bytes(largest_);
  const std::uint64_t spare = needs_.memory_bytes > used ? needs_.memory_bytes - used : 0;
  // No tile is larger than the scores of a block, or the items that it is computed from.
  const std::uint64_t whole = sizeof(float) * n_items_ * std::max<std::uint64_t>(largest_.n_queries, stride_);
  workspace_ =
      arena.array<std::byte>(name, needs_.workspace_bytes(largest_) + std::min({spare, needs_.tile_bytes, whole}));
}

RowLists BlockWalk::gather_excluded(std::uint64_t first, std::span<const Row> users) {
  if (excluded_ == nullptr) {
    return resident_.offsets == nullptr ? RowLists{} : RowLists{resident_.offsets + first, resident_.ids};
  }
  lists_.clear();
  for (const Row user : users) lists_.append(*excluded_, user);
  return lists_.upload();
}

void BlockWalk::run(Scorer& scorer, const std::function<void(const Block&)>& take) {
  if (users_.empty()) return;
  Block block;
  block.items = scorer.item_vectors();
  block.workspace = {workspace_.data(), workspace_.size()};
  for (const std::uint64_t end : ends_) {
    block.users = std::span<const Row>(users_).subspan(block.first, end - block.first);
    block.excluded = gather_excluded(block.first, block.users);
    rows_.upload(block.users);
    const MatrixView<float> queries{queries_.data(), block.users.size(), dim_, stride_};
    scorer.query_vectors({block.users, rows_.data()}, queries);
    block.queries = queries;
    take(block);
    block.first = end;
  }
}

}  // namespace unfold
