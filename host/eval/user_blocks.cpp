#include "host/eval/user_blocks.hpp"

#include <algorithm>
#include <utility>

namespace unfold {
namespace {

// Workspace beyond the least that an op needs: the size of its tiles. More than this gains nothing.
constexpr std::uint64_t kUsefulWorkspaceBytes = std::uint64_t{64} << 20;

BlockSize sum(const BlockSize& a, const BlockSize& b) {
  return {a.n_queries + b.n_queries, a.n_targets + b.n_targets, a.n_excluded + b.n_excluded};
}

}  // namespace

BlockPlan plan_blocks(std::vector<Row> users, const std::function<BlockSize(Row)>& of_user,
                      const std::function<std::uint64_t(const BlockSize&)>& bytes, std::uint64_t memory_bytes) {
  BlockPlan plan;
  BlockSize block;
  const auto close = [&](std::uint64_t end) {
    if (block.n_queries == 0) return;
    plan.block_ends.push_back(end);
    plan.largest.n_queries = std::max(plan.largest.n_queries, block.n_queries);
    plan.largest.n_targets = std::max(plan.largest.n_targets, block.n_targets);
    plan.largest.n_excluded = std::max(plan.largest.n_excluded, block.n_excluded);
    block = {};
  };
  for (std::uint64_t n = 0; n < users.size(); ++n) {
    const BlockSize user = of_user(users[n]);
    if (bytes(sum(block, user)) > memory_bytes) close(n);
    block = sum(block, user);
  }
  close(users.size());
  plan.users = std::move(users);
  return plan;
}

std::uint64_t useful_workspace_bytes(std::uint64_t least, std::uint64_t used, std::uint64_t memory_bytes) {
  const std::uint64_t spare = memory_bytes > used ? memory_bytes - used : 0;
  return least + std::min(spare, kUsefulWorkspaceBytes);
}

MatrixView<const float> BlockQueries::gather(std::span<const Row> users) {
  host_rows_.assign(users.begin(), users.end());
  if (scorer_.one_query) std::fill(host_rows_.begin(), host_rows_.end(), 0u);
  rows_.upload(host_rows_);
  const MatrixView<float> queries{queries_.data(), users.size(), scorer_.item_vectors.cols,
                                  scorer_.item_vectors.stride};
  backend_.lookup_rows(scorer_.user_vectors, rows_.data(), users.size(), queries);
  return queries;
}

}  // namespace unfold
