#include "host/score/item_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace unfold {

ItemRanks::ItemRanks(const Arena& arena, const Scorer& scorer, std::vector<Row> users, const ItemLists& targets,
                     const UserLists& excluded, std::uint64_t memory_bytes)
    : backend_(arena.backend()), targets_(targets), excluded_(excluded) {
  const std::string name = "ranks of held-out items";
  if (scorer.query_dim() == 0) {
    users_ = std::move(users);
    pairs_.emplace(arena, name, scorer);
    return;
  }
  BlockNeeds needs;
  needs.n_targets = [&](Row user) { return targets.of(user).size(); };
  needs.array_bytes = [](const BlockSize& block) {
    return DeviceLists::bytes(block.n_queries, block.n_targets) + block.n_targets * 2 * sizeof(std::uint32_t);
  };
  needs.workspace_bytes = [&backend = backend_, n_items = scorer.n_items()](const BlockSize& block) {
    return backend.workspace_bytes(
        RankTargets{.queries = {.rows = block.n_queries}, .items = {.rows = n_items}, .n_targets = block.n_targets});
  };
  needs.memory_bytes = memory_bytes;
  walk_.emplace(arena, name, scorer, std::move(users), excluded, needs);
  device_targets_ = DeviceLists(arena, name, walk_->largest().n_queries, walk_->largest().n_targets);
  ranks_ = arena.array<std::uint32_t>(name, walk_->largest().n_targets);
}

void ItemRanks::run(Scorer& scorer, const Take& take) {
  if (walk_) return walk_->run(scorer, [&](const Block& block) { rank_block(block, take); });
  for (const Row user : users_) rank_pairs(scorer, user, take);
}

void ItemRanks::rank_block(const Block& block, const Take& take) {
  device_targets_.clear();
  for (const Row user : block.users) device_targets_.append(targets_.of(user));
  const std::uint64_t n_targets = device_targets_.n_ids();
  backend_.run(RankTargets{.queries = block.queries,
                           .items = block.items.vectors,
                           .item_bias = block.items.bias,
                           .targets = device_targets_.upload(),
                           .excluded = block.excluded,
                           .n_targets = n_targets,
                           .ranks = ranks_.data()},
               block.workspace);
  host_ranks_.resize(n_targets);
  ranks_.download(host_ranks_);
  std::span<std::uint32_t> ranks = host_ranks_;
  for (const Row user : block.users) {
    const std::span<std::uint32_t> of_one = ranks.first(targets_.of(user).size());
    std::ranges::sort(of_one);
    take(user, of_one);
    ranks = ranks.subspan(of_one.size());
  }
}

// The same order: ties count against targets, and of targets the lower row comes first. A target without a number is
// last.
void ItemRanks::rank_pairs(Scorer& scorer, Row user, const Take& take) {
  const std::span<float> scores = pairs_->scores_of(scorer, user);
  const std::span<const Row> targets = targets_.of(user);
  std::vector<Row> excluded;
  excluded_.append(user, excluded);
  std::vector<float> target_scores;
  for (const Row target : targets) target_scores.push_back(scores[target]);
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  for (const Row item : excluded) scores[item] = kNone;
  for (const Row target : targets) scores[target] = kNone;
  host_ranks_.clear();
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const float score = target_scores[t];
    if (std::isnan(score)) {
      host_ranks_.push_back(static_cast<std::uint32_t>(scores.size() - excluded.size()));
      continue;
    }
    std::size_t n_before = static_cast<std::size_t>(std::ranges::count_if(scores, [&](float x) { return x >= score; }));
    for (std::size_t other = 0; other < targets.size(); ++other) {
      n_before += target_scores[other] > score || (target_scores[other] == score && other < t) ? 1 : 0;
    }
    host_ranks_.push_back(static_cast<std::uint32_t>(1 + n_before));
  }
  std::ranges::sort(host_ranks_);
  take(user, host_ranks_);
}

}  // namespace unfold
