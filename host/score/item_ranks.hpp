// Ranks of each user's targets among all items but the user's excluded ones, as rank_targets has them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/score/block_walk.hpp"
#include "host/score/pair_walk.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

class ItemRanks {
 public:
  // Each of `users` has a target at least, and none that is excluded. Both sets of lists outlive this. Scratch is
  // bounded by memory_bytes, or what one user takes.
  ItemRanks(const Arena& arena, const Scorer& scorer, std::vector<Row> users, const ItemLists& targets,
            const UserLists& excluded, std::uint64_t memory_bytes);

  // Calls take(user, ranks ascending) for each user, in their order.
  using Take = std::function<void(Row user, std::span<const std::uint32_t> ranks)>;
  void run(Scorer& scorer, const Take& take);

 private:
  void rank_block(const Block& block, const Take& take);
  void rank_pairs(Scorer& scorer, Row user, const Take& take);

  Backend& backend_;
  const ItemLists& targets_;
  const UserLists& excluded_;
  std::vector<Row> users_;
  std::vector<std::uint32_t> host_ranks_;
  // Where scores are products:
  std::optional<BlockWalk> walk_;
  DeviceLists device_targets_;
  DeviceArray<std::uint32_t> ranks_;
  // Else:
  std::optional<PairWalk> pairs_;
};

}  // namespace unfold
